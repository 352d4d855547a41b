"""The objects and fields of the sandbox org, as text: standard objects and the model customer's own fields.

One line per field: name, type, flags. Data only; `schema.py` reads it. To add an object, add one entry to `OBJECTS`.
Types: Text(n) LongText(n) Url(n) Email Phone Picklist(a, b) Restricted(a, b) Number(p,s) Currency(p,s) Percent(p,s)
Int Checkbox Date DateTime Lookup(Parent.ChildRelationship) AutoNumber(digits).
Flags: required, readonly (the platform sets it), createonly, external, unique, case (case sensitive), namefield,
multicurrency / person (exists only with that feature), default=value.
"""

from __future__ import annotations

SYSTEM = """
Id                     Id readonly
IsDeleted              Checkbox readonly
CreatedDate            DateTime readonly
CreatedById            Lookup(User) readonly
LastModifiedDate       DateTime readonly
LastModifiedById       Lookup(User) readonly
SystemModstamp         DateTime readonly
"""

CURRENCY = """
CurrencyIsoCode        Restricted(USD, EUR, GBP, JPY, CHF, CAD, AUD, KWD) multicurrency
"""

STATUS = """
Sync_Status__c          Restricted(Not Sent, Pending, In Progress, Synced, Warning, Failed, Blocked, Skipped)
Sync_Step__c            Text(80)
Sync_Steps__c           LongText(4000)
Sync_Last_Attempt__c    DateTime
Sync_Last_Success__c    DateTime
Sync_Error_Code__c      Text(80)
Sync_Error__c           LongText(4000)
Sync_Attempts__c        Number(4,0)
Sync_Key__c             Text(80) external unique case
Sync_Billing_Id__c      Text(80) external
Sync_Order_Number__c    Text(40)
Sync_Contract_Number__c Text(40)
Sync_Contract_Value__c  Number(18,3)
Sync_Link__c            Url(255)
Sync_Source_Hash__c     Text(64)
Sync_Requested_At__c    DateTime
Sync_Requested_By__c    Text(80)
"""

MONEY = """
Sync_Next_Invoice_On__c     Date
Sync_Next_Invoice_Amount__c Number(18,3)
Sync_Last_Invoice__c        Text(80)
Sync_Payment_State__c       Text(20)
Sync_Open_Balance__c        Number(18,3)
Sync_Overdue_Balance__c     Number(18,3)
Sync_Last_Payment_On__c     Date
Sync_Usage__c               Text(255)
"""

HEADER = """
Contract_Start__c       Date
Contract_End__c         Date
Term_Months__c          Number(4,0)
Billing_Frequency__c    Picklist(Monthly, Quarterly, Semiannual, Annual, Upfront)
Billing_Timing__c       Picklist(In Advance, In Arrears)
Payment_Terms__c        Picklist(Due on Receipt, Net 15, Net 30, Net 45, Net 60, Net 90)
PO_Number__c            Text(80)
Deal_Type__c            Picklist(New, Upsell, Downsell, Amendment, Renewal, Cancellation)
Legal_Entity__c         Picklist(US, DE, JP)
Total_Contract_Value__c Currency(18,3)
Amends_Record_Id__c     Text(18)
Cancel_From__c          Date
Credit_Unused__c        Checkbox
Signed_On__c            Date
"""

LINE = """
Charge_Type__c          Picklist(Recurring, One-Time, Usage)
Price_Model__c          Picklist(Per Unit, Tiered, Volume, Stairstep, Package)
Price_Period__c         Picklist(Month, Quarter, Half-Year, Year)
Unit_Price_Exact__c     Number(18,8)
Price_Tiers__c          LongText(4000)
Package_Size__c         Number(12,0)
Included_Units__c       Number(16,2)
Minimum_Amount__c       Currency(18,3)
Prior_Quantity__c       Number(12,2)
Line_Start__c           Date
Line_End__c             Date
Billing_Frequency__c    Picklist(Monthly, Quarterly, Semiannual, Annual, Upfront)
Billing_Timing__c       Picklist(In Advance, In Arrears)
Discount_Amount__c      Currency(18,3)
Free_Months__c          Number(3,0)
Separate_Invoice__c     Checkbox
Entitlement_Value__c    Text(40)
Credit_Cadence__c       Picklist(Month, Year)
Ramp_Key__c             Text(40)
Ramp_Step__c            Number(3,0)
"""

BILLING_ADDRESS = """
BillingStreet           Text(255)
BillingCity             Text(40)
BillingState            Text(80)
BillingPostalCode       Text(20)
BillingCountry          Text(80)
BillingCountryCode      Text(2)
"""

ACCOUNT = """
Name                    Text(255) required namefield
AccountNumber           Text(40)
Type                    Picklist(Prospect, Customer - Direct, Customer - Channel, Other)
Industry                Picklist(Technology, Finance, Manufacturing, Retail, Healthcare, Other)
ParentId                Lookup(Account.ChildAccounts)
MasterRecordId          Lookup(Account) readonly
OwnerId                 Lookup(User)
Phone                   Phone
Website                 Url(255)
Description             LongText(32000)
ShippingStreet          Text(255)
ShippingCity            Text(40)
ShippingState           Text(80)
ShippingPostalCode      Text(20)
ShippingCountry         Text(80)
IsPersonAccount         Checkbox readonly person
FirstName               Text(40) person
LastName                Text(80) person
PersonEmail             Email person
PersonContactId         Lookup(Contact) readonly person
Tax_Id__c               Text(40)
Billing_Email__c        Email
"""

CONTACT = """
Name                    Text(121) readonly namefield
FirstName               Text(40)
LastName                Text(80) required
AccountId               Lookup(Account.Contacts)
MasterRecordId          Lookup(Contact) readonly
Email                   Email
Phone                   Phone
Title                   Text(128)
OwnerId                 Lookup(User)
"""

OPPORTUNITY = """
Name                    Text(120) required namefield
AccountId               Lookup(Account.Opportunities)
ContractId              Lookup(Contract)
StageName               Picklist(Prospecting, Qualification, Proposal/Price Quote, Negotiation/Review, \
    Closed Won, Closed Lost) required
CloseDate               Date required
Amount                  Currency(18,2)
Probability             Percent(3,0)
ForecastCategory        Restricted(Omitted, Pipeline, BestCase, Forecast, Closed) readonly
IsWon                   Checkbox readonly
IsClosed                Checkbox readonly
HasOpportunityLineItem  Checkbox readonly
Type                    Picklist(New Business, Existing Business)
SyncedQuoteId           Lookup(Quote)
Pricebook2Id            Lookup(Pricebook2)
ContactId               Lookup(Contact)
OwnerId                 Lookup(User)
Description             LongText(32000)
"""

QUOTE = """
Name                    Text(255) required namefield
QuoteNumber             AutoNumber(8)
OpportunityId           Lookup(Opportunity.Quotes) createonly
AccountId               Lookup(Account.Quotes) createonly
ContractId              Lookup(Contract)
ContactId               Lookup(Contact)
Pricebook2Id            Lookup(Pricebook2)
OwnerId                 Lookup(User)
Status                  Picklist(Draft, Needs Review, In Review, Approved, Rejected, Presented, Accepted, Denied) \
    default=Draft
IsSyncing               Checkbox readonly
ExpirationDate          Date
Description             LongText(32000)
Email                   Email
Phone                   Phone
BillingName             Text(255)
Discount                Percent(5,2) readonly
Subtotal                Currency(18,2) readonly
TotalPrice              Currency(18,2) readonly
Tax                     Currency(18,2)
ShippingHandling        Currency(18,2)
GrandTotal              Currency(18,2) readonly
LineItemCount           Int readonly
"""

ORDER = """
OrderNumber             AutoNumber(8) namefield
Name                    Text(80)
AccountId               Lookup(Account.Orders) required
QuoteId                 Lookup(Quote.Orders)
OpportunityId           Lookup(Opportunity.Orders)
ContractId              Lookup(Contract.Orders)
OriginalOrderId         Lookup(Order)
Pricebook2Id            Lookup(Pricebook2)
OwnerId                 Lookup(User)
BillToContactId         Lookup(Contact)
Status                  Picklist(Draft, In Review, Activated, Cancelled) default=Draft
StatusCode              Restricted(Draft, Activated, Canceled, Expired) readonly
Type                    Picklist(New, Renewal, Amendment)
EffectiveDate           Date required
EndDate                 Date
PoNumber                Text(80)
PoDate                  Date
ActivatedDate           DateTime readonly
ActivatedById           Lookup(User) readonly
CustomerAuthorizedDate  Date
CompanyAuthorizedDate   Date
OrderedDate             DateTime
IsReductionOrder        Checkbox createonly
TotalAmount             Currency(18,2) readonly
Description             LongText(32000)
"""

CONTRACT = """
ContractNumber          AutoNumber(8) namefield
Name                    Text(80)
AccountId               Lookup(Account.Contracts) required
OwnerId                 Lookup(User)
Status                  Picklist(Draft, In Approval Process, Activated, Terminated) default=Draft
StatusCode              Restricted(Draft, InApproval, Activated, Terminated, Expired) readonly
StartDate               Date
EndDate                 Date readonly
ContractTerm            Int
ActivatedDate           DateTime readonly
CustomerSignedDate      Date
CustomerSignedId        Lookup(Contact)
CustomerSignedTitle     Text(40)
CompanySignedDate       Date
SpecialTerms            LongText(4000)
"""

LINE_MONEY = """
Product2Id              Lookup(Product2) createonly
PricebookEntryId        Lookup(PricebookEntry) createonly
ProductCode             Text(255) readonly
Quantity                Number(12,2) required
UnitPrice               Currency(18,2) required
ListPrice               Currency(18,2) readonly
Subtotal                Currency(18,2) readonly
TotalPrice              Currency(18,2) readonly
Description             Text(255)
ServiceDate             Date
"""

QUOTE_LINE = """
LineNumber              AutoNumber(8) namefield
QuoteId                 Lookup(Quote.QuoteLineItems) required createonly
OpportunityLineItemId   Lookup(OpportunityLineItem)
Discount                Percent(5,2)
SortOrder               Int
"""

OPPORTUNITY_LINE = """
Name                    Text(376) readonly namefield
OpportunityId           Lookup(Opportunity.OpportunityLineItems) required createonly
Discount                Percent(5,2)
SortOrder               Int
"""

ORDER_LINE = """
OrderItemNumber         AutoNumber(10) namefield
OrderId                 Lookup(Order.OrderItems) required createonly
QuoteLineItemId         Lookup(QuoteLineItem)
OriginalOrderItemId     Lookup(OrderItem)
AvailableQuantity       Number(12,2) readonly
EndDate                 Date
SubscriptionTerm        Int
"""

PRODUCT = """
Name                    Text(255) required namefield
ProductCode             Text(255)
Description             LongText(4000)
Family                  Picklist(Plans, Add-ons, Entitlements, Services)
IsActive                Checkbox
Stigg_Type__c           Picklist(Plan, Add-on, Entitlement, Credit entitlement, None)
Stigg_ID__c             Text(120)
"""

PRICEBOOK_ENTRY = """
Name                    Text(255) readonly namefield
Pricebook2Id            Lookup(Pricebook2.PricebookEntries) required createonly
Product2Id              Lookup(Product2.PricebookEntries) required createonly
UnitPrice               Currency(18,2) required
IsActive                Checkbox
UseStandardPrice        Checkbox
ProductCode             Text(255) readonly
"""

PRICEBOOK = """
Name                    Text(255) required namefield
IsActive                Checkbox
IsStandard              Checkbox readonly
Description             Text(255)
"""

USER = """
Name                    Text(121) readonly namefield
FirstName               Text(40)
LastName                Text(80) required
Username                Text(80) required
Email                   Email required
IsActive                Checkbox
TimeZoneSidKey          Text(40)
LanguageLocaleKey       Text(40)
"""

ORGANIZATION = """
Name                    Text(80) required namefield
IsSandbox               Checkbox
OrganizationType        Text(40)
InstanceName            Text(5)
DefaultCurrencyIsoCode  Text(3)
TimeZoneSidKey          Text(40)
LanguageLocaleKey       Text(40)
Country                 Text(80)
"""

# Object -> (id prefix, plural label, field texts). Order is the order of describe.
LOG = """
Name                    AutoNumber(6) readonly namefield
Key__c                  Text(80) external unique case
Record_Id__c            Text(18)
Object__c               Text(80)
Account__c              Lookup(Account.Sync_Logs__r)
Opportunity__c          Lookup(Opportunity.Sync_Logs__r)
Status__c               Restricted(Not Sent, Pending, In Progress, Synced, Warning, Failed, Blocked, Skipped)
Error_Code__c           Text(80)
Error__c                LongText(4000)
Owner__c                Text(80)
Order_Number__c         Text(40)
At__c                   DateTime
Run__c                  Text(120)
"""

INVOICE = """
Name                    Text(80) namefield
Key__c                  Text(80) external unique case
Account__c              Lookup(Account.Sync_Invoices__r)
Kind__c                 Text(20)
State__c                Text(20)
Issued_On__c            Date
Due_On__c               Date
Total__c                Number(18,3)
Open__c                 Number(18,3)
Currency__c             Text(3)
Contract_Number__c      Text(40)
Link__c                 Url(255)
"""

OBJECTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "Account": ("001", "Accounts", (ACCOUNT, BILLING_ADDRESS, CURRENCY, STATUS, MONEY)),
    "Contact": ("003", "Contacts", (CONTACT, CURRENCY)),
    "Opportunity": ("006", "Opportunities", (OPPORTUNITY, CURRENCY, HEADER, STATUS, MONEY)),
    "OpportunityLineItem": ("00k", "Opportunity Products", (OPPORTUNITY_LINE, LINE_MONEY, CURRENCY, LINE)),
    "Quote": ("0Q0", "Quotes", (QUOTE, BILLING_ADDRESS, CURRENCY, HEADER, STATUS, MONEY)),
    "QuoteLineItem": ("0QL", "Quote Line Items", (QUOTE_LINE, LINE_MONEY, CURRENCY, LINE)),
    "Order": ("801", "Orders", (ORDER, BILLING_ADDRESS, CURRENCY, HEADER, STATUS, MONEY)),
    "OrderItem": ("802", "Order Products", (ORDER_LINE, LINE_MONEY, CURRENCY, LINE)),
    "Contract": ("800", "Contracts", (CONTRACT, BILLING_ADDRESS, CURRENCY, STATUS, MONEY)),
    "Product2": ("01t", "Products", (PRODUCT, CURRENCY)),
    "Pricebook2": ("01s", "Price Books", (PRICEBOOK,)),
    "PricebookEntry": ("01u", "Price Book Entries", (PRICEBOOK_ENTRY, CURRENCY)),
    "User": ("005", "Users", (USER,)),
    "Sync_Log__c": ("a0L", "Sync Logs", (LOG,)),
    "Sync_Invoice__c": ("a0M", "Sync Invoices", (INVOICE,)),
    "Organization": ("00D", "Organizations", (ORGANIZATION,)),
}
