"""Objects of installed packages, as text like `schema_table.py`: Salesforce CPQ and DocuSign for Salesforce.

An org has them only when it was opened with `packages=("cpq", "docusign")`. Only the fields that an integration reads
are here; all can be written, because in real orgs the package's own code fills most of them.
"""

from __future__ import annotations

from connector.sandbox.schema_table import CURRENCY, MONEY, STATUS

CPQ_QUOTE = """
Name                            AutoNumber(5) namefield
SBQQ__Status__c                 Picklist(Draft, In Review, Approved, Denied, Presented, Accepted, Rejected) \
    default=Draft
SBQQ__Primary__c                Checkbox
SBQQ__Ordered__c                Checkbox
SBQQ__Type__c                   Picklist(Quote, Renewal, Amendment, Re-Quote) default=Quote
SBQQ__Opportunity2__c           Lookup(Opportunity.SBQQ__Quotes2__r)
SBQQ__Account__c                Lookup(Account.SBQQ__Quotes__r)
SBQQ__PrimaryContact__c         Lookup(Contact)
SBQQ__MasterContract__c         Lookup(Contract)
SBQQ__PriceBook__c              Lookup(Pricebook2)
OwnerId                         Lookup(User)
SBQQ__StartDate__c              Date
SBQQ__EndDate__c                Date
SBQQ__SubscriptionTerm__c       Number(5,0)
SBQQ__RenewalTerm__c            Number(5,0)
SBQQ__FirstSegmentTermEndDate__c Date
SBQQ__PaymentTerms__c           Picklist(Due on receipt, Net 15, Net 30, Net 45, Net 60, Net 90)
SBQQ__BillingFrequency__c       Picklist(Monthly, Quarterly, Semiannual, Annual, Upfront)
SBQQ__ContractingMethod__c      Picklist(By Subscription End Date, Single Contract)
SBQQ__CustomerDiscount__c       Percent(5,2)
SBQQ__AdditionalDiscountAmount__c Currency(18,2)
SBQQ__NetAmount__c              Currency(18,2)
SBQQ__CustomerAmount__c         Currency(18,2)
SBQQ__ListAmount__c             Currency(18,2)
SBQQ__RegularAmount__c          Currency(18,2)
SBQQ__LineItemCount__c          Number(18,0)
SBQQ__LastCalculatedOn__c       DateTime
SBQQ__Uncalculated__c           Checkbox
SBQQ__BillingName__c            Text(255)
SBQQ__BillingStreet__c          Text(255)
SBQQ__BillingCity__c            Text(40)
SBQQ__BillingState__c           Text(80)
SBQQ__BillingPostalCode__c      Text(20)
SBQQ__BillingCountry__c         Text(80)
Billing_Timing__c               Picklist(In Advance, In Arrears)
PO_Number__c                    Text(80)
Legal_Entity__c                 Picklist(US, DE, JP)
"""

CPQ_GROUP = """
Name                            Text(80) namefield
SBQQ__Quote__c                  Lookup(SBQQ__Quote__c.SBQQ__LineItemGroups__r) required createonly
SBQQ__Account__c                Lookup(Account)
SBQQ__Number__c                 Number(5,0)
SBQQ__Optional__c               Checkbox
SBQQ__StartDate__c              Date
SBQQ__EndDate__c                Date
SBQQ__SubscriptionTerm__c       Number(5,0)
SBQQ__BillingFrequency__c       Picklist(Monthly, Quarterly, Semiannual, Annual, One-Time)
"""

CPQ_LINE = """
Name                            AutoNumber(7) namefield
SBQQ__Quote__c                  Lookup(SBQQ__Quote__c.SBQQ__LineItems__r) required createonly
SBQQ__Group__c                  Lookup(SBQQ__QuoteLineGroup__c.SBQQ__LineItems__r)
SBQQ__RequiredBy__c             Lookup(SBQQ__QuoteLine__c.SBQQ__Components__r)
SBQQ__Product__c                Lookup(Product2)
SBQQ__ProductCode__c            Text(255) readonly
SBQQ__ProductName__c            Text(255) readonly
SBQQ__Description__c            LongText(32000)
SBQQ__Number__c                 Number(5,0)
SBQQ__OptionLevel__c            Number(5,0)
SBQQ__Bundle__c                 Checkbox
SBQQ__Bundled__c                Checkbox
SBQQ__Optional__c               Checkbox
SBQQ__Hidden__c                 Checkbox
SBQQ__Existing__c               Checkbox
SBQQ__CarryoverLine__c          Checkbox
SBQQ__Renewal__c                Checkbox
SBQQ__Quantity__c               Number(12,2)
SBQQ__EffectiveQuantity__c      Number(12,2)
SBQQ__PriorQuantity__c          Number(12,2)
SBQQ__ListPrice__c              Currency(18,2)
SBQQ__RegularPrice__c           Currency(18,2)
SBQQ__CustomerPrice__c          Currency(18,2)
SBQQ__PartnerPrice__c           Currency(18,2)
SBQQ__NetPrice__c               Currency(18,2)
SBQQ__ProratedListPrice__c      Currency(18,2)
SBQQ__UnproratedNetPrice__c     Currency(18,2)
SBQQ__SpecialPrice__c           Currency(18,2)
SBQQ__NetTotal__c               Currency(18,2)
SBQQ__ProrateMultiplier__c      Number(8,4)
SBQQ__Discount__c               Percent(5,2)
SBQQ__AdditionalDiscountAmount__c Currency(18,2)
SBQQ__TotalDiscountRate__c      Percent(5,2)
SBQQ__TotalDiscountAmount__c    Currency(18,2)
SBQQ__DiscountScheduleType__c   Text(80)
SBQQ__BlockPrice__c             Checkbox
SBQQ__StartDate__c              Date
SBQQ__EndDate__c                Date
SBQQ__EffectiveStartDate__c     Date
SBQQ__EffectiveEndDate__c       Date
SBQQ__SubscriptionTerm__c       Number(5,0)
SBQQ__DefaultSubscriptionTerm__c Number(5,0)
SBQQ__EffectiveSubscriptionTerm__c Number(5,0)
SBQQ__SubscriptionPricing__c    Picklist(Fixed Price, Percent Of Total)
SBQQ__SubscriptionType__c       Picklist(Renewable, Evergreen, One-time)
SBQQ__ProductSubscriptionType__c Picklist(Renewable, Evergreen, One-time)
SBQQ__ChargeType__c             Picklist(One-Time, Recurring, Usage)
SBQQ__BillingType__c            Picklist(Advance, Arrears)
SBQQ__BillingFrequency__c       Picklist(Monthly, Quarterly, Semiannual, Annual, Invoice Plan, Usage)
SBQQ__PricingMethod__c          Picklist(List, Cost, Block, Percent Of Total, Custom)
SBQQ__HasConsumptionSchedule__c Checkbox
SBQQ__TaxCode__c                Text(80)
SBQQ__Dimension__c              Text(18)
SBQQ__SegmentKey__c             Text(40)
SBQQ__SegmentIndex__c           Number(5,0)
SBQQ__SegmentLabel__c           Text(80)
"""

CPQ_ON_ORDER = """
SBQQ__Quote__c                  Lookup(SBQQ__Quote__c.SBQQ__Orders__r)
SBQQ__Contracted__c             Checkbox
SBQQ__ContractingMethod__c      Picklist(By Subscription End Date, Single Contract)
SBQQ__PaymentTerm__c            Picklist(Due on receipt, Net 15, Net 30, Net 45, Net 60, Net 90)
SBQQ__PriceCalcStatus__c        Picklist(Not Needed, Pending, Completed, Failed)
"""

CPQ_ON_ORDER_LINE = """
SBQQ__QuoteLine__c              Lookup(SBQQ__QuoteLine__c)
SBQQ__Contract__c               Lookup(Contract)
SBQQ__Contracted__c             Checkbox
SBQQ__Activated__c              Checkbox
SBQQ__BillingFrequency__c       Picklist(Monthly, Quarterly, Semiannual, Annual, Invoice Plan, Usage)
SBQQ__BillingType__c            Picklist(Advance, Arrears)
SBQQ__ChargeType__c             Picklist(One-Time, Recurring, Usage)
SBQQ__DefaultSubscriptionTerm__c Number(5,0)
SBQQ__SubscriptionTerm__c       Number(5,0)
SBQQ__SegmentIndex__c           Number(5,0)
SBQQ__SegmentKey__c             Text(40)
SBQQ__QuotedQuantity__c         Number(12,2)
SBQQ__OrderedQuantity__c        Number(12,2)
SBQQ__UnproratedNetPrice__c     Currency(18,2)
SBQQ__ContractAction__c         Text(80)
SBQQ__RevisedOrderProduct__c    Lookup(OrderItem)
SBQQ__Status__c                 Picklist(Draft, Activated)
"""

CPQ_ON_OPPORTUNITY = """
SBQQ__PrimaryQuote__c           Lookup(SBQQ__Quote__c)
SBQQ__Ordered__c                Checkbox
SBQQ__Contracted__c             Checkbox
SBQQ__AmendedContract__c        Lookup(Contract)
SBQQ__RenewedContract__c        Lookup(Contract)
SBQQ__Renewal__c                Checkbox
"""

CPQ_ON_CONTRACT = """
SBQQ__Quote__c                  Lookup(SBQQ__Quote__c.SBQQ__Contracts__r)
SBQQ__Order__c                  Lookup(Order.SBQQ__Contracts__r)
SBQQ__Opportunity__c            Lookup(Opportunity.SBQQ__Contracts__r)
SBQQ__RenewalTerm__c            Number(5,0)
SBQQ__Evergreen__c              Checkbox
SBQQ__ExpirationDate__c         Date
SBQQ__MasterContract__c         Lookup(Contract)
"""

CPQ_SUBSCRIPTION = """
Name                            AutoNumber(7) namefield
SBQQ__Contract__c               Lookup(Contract.SBQQ__Subscriptions__r) required createonly
SBQQ__QuoteLine__c              Lookup(SBQQ__QuoteLine__c)
SBQQ__OrderProduct__c           Lookup(OrderItem)
SBQQ__Quantity__c               Number(12,2)
SBQQ__RenewalQuantity__c        Number(12,2)
SBQQ__SubscriptionStartDate__c  Date
SBQQ__SubscriptionEndDate__c    Date
SBQQ__SegmentStartDate__c       Date
SBQQ__SegmentEndDate__c         Date
SBQQ__TerminatedDate__c         Date
SBQQ__RevisedSubscription__c    Lookup(SBQQ__Subscription__c)
SBQQ__RootId__c                 Text(18)
"""

ENVELOPE = """
Name                            AutoNumber(8) namefield
dfsle__DocuSignId__c            Text(36) external
dfsle__SourceId__c              Text(18)
dfsle__Status__c                Picklist(Created, Sent, Delivered, Signed, Completed, Declined, Voided)
dfsle__Sent__c                  DateTime
dfsle__LastStatusUpdate__c      DateTime
dfsle__Completed__c             DateTime
dfsle__EmailSubject__c          Text(255)
"""

# Package -> (its objects as in `schema_table.OBJECTS`, fields it adds to objects that exist).
PACKAGES: dict[str, tuple[dict[str, tuple[str, str, tuple[str, ...]]], dict[str, str]]] = {
    "cpq": (
        {
            "SBQQ__Quote__c": ("a1Q", "CPQ Quotes", (CPQ_QUOTE, CURRENCY, STATUS, MONEY)),
            "SBQQ__QuoteLineGroup__c": ("a1G", "CPQ Quote Line Groups", (CPQ_GROUP, CURRENCY)),
            "SBQQ__QuoteLine__c": ("a1L", "CPQ Quote Lines", (CPQ_LINE, CURRENCY)),
            "SBQQ__Subscription__c": ("a1S", "CPQ Subscriptions", (CPQ_SUBSCRIPTION, CURRENCY)),
        },
        {
            "Order": CPQ_ON_ORDER,
            "OrderItem": CPQ_ON_ORDER_LINE,
            "Opportunity": CPQ_ON_OPPORTUNITY,
            "Contract": CPQ_ON_CONTRACT,
        },
    ),
    "docusign": ({"dfsle__EnvelopeStatus__c": ("a1E", "DocuSign Envelope Statuses", (ENVELOPE,))}, {}),
}
