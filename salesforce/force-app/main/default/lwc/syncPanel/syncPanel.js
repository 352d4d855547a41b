/**
 * How far a signed deal is in billing: its state, every step, what is wrong and who acts, the numbers people ask for,
 * and Resync. It shows what Countersign wrote on the record and calls nothing but Salesforce itself.
 */
import { LightningElement, api, wire } from 'lwc';
import { getRecord } from 'lightning/uiRecordApi';
import { requestResync } from 'c/syncRequest';

const NAMES = [
    'Status', 'Step', 'Steps', 'Error_Code', 'Error', 'Last_Attempt', 'Last_Success', 'Attempts', 'Order_Number',
    'Contract_Number', 'Contract_Value', 'Link', 'Requested_At', 'Next_Invoice_On', 'Next_Invoice_Amount',
    'Last_Invoice', 'Payment_State', 'Open_Balance', 'Overdue_Balance', 'Last_Payment_On', 'Usage'
];

const MEANING = {
    'Not Sent': ['Not sent to billing yet.', 'neutral'],
    Pending: ['It is known and will be tried by itself. Nobody has to act.', 'working'],
    'In Progress': ['It runs through its steps. Nobody has to act.', 'working'],
    Synced: ['Everything sold is set up, and was read back.', 'good'],
    Warning: ['It is set up, and something needs a look.', 'warning'],
    Failed: ['It was tried for days and given up.', 'bad'],
    Blocked: ['A person must change something, or another deal comes first.', 'bad'],
    Skipped: ['Left out on purpose.', 'neutral']
};

const FACTS = [
    ['Order', 'Order_Number'],
    ['Contract', 'Contract_Number'],
    ['Contract value', 'Contract_Value'],
    ['Next invoice', 'Next_Invoice_On'],
    ['Next amount', 'Next_Invoice_Amount'],
    ['Last invoice', 'Last_Invoice'],
    ['Payment', 'Payment_State'],
    ['Open', 'Open_Balance'],
    ['Overdue', 'Overdue_Balance'],
    ['Last payment', 'Last_Payment_On'],
    ['Usage', 'Usage']
];

export default class SyncPanel extends LightningElement {
    @api recordId;
    @api objectApiName;
    record;
    refusal;
    isAsking = false;

    get fields() {
        return this.objectApiName ? NAMES.map((name) => `${this.objectApiName}.Sync_${name}__c`) : undefined;
    }

    @wire(getRecord, { recordId: '$recordId', optionalFields: '$fields' })
    show({ data, error }) {
        this.record = data;
        this.refusal = error;
    }

    get isLoading() {
        return !this.record && !this.refusal;
    }

    get isHidden() {
        return Boolean(this.refusal) || (Boolean(this.record) && !('Sync_Status__c' in this.record.fields));
    }

    get isShown() {
        return Boolean(this.record) && !this.isHidden;
    }

    get status() {
        return this.valueOf('Status') || 'Not Sent';
    }

    get meaning() {
        return (MEANING[this.status] || ['Unknown state.'])[0];
    }

    get badgeClass() {
        return `badge ${(MEANING[this.status] || ['', 'neutral'])[1]}`;
    }

    get error() {
        return this.valueOf('Error');
    }

    get errorCode() {
        return this.valueOf('Error_Code');
    }

    get bannerClass() {
        return `banner ${this.status === 'Warning' ? 'warning' : 'bad'}`;
    }

    get steps() {
        const lines = String(this.valueOf('Steps') || '').split('\n').filter((line) => line.includes(': '));
        return lines.map((line) => {
            const cut = line.indexOf(': ');
            const [name, state] = [line.slice(0, cut), line.slice(cut + 2)];
            return { name, state, stateClass: `state ${state.split(/[ ,]/)[0]}` };
        });
    }

    get hasSteps() {
        return this.steps.length > 0;
    }

    get facts() {
        return FACTS.map(([label, name]) => ({ label, value: this.displayOf(name) })).filter((fact) => fact.value);
    }

    get link() {
        const address = this.valueOf('Link') || '';
        return /^https?:\/\//.test(address) ? address : '';
    }

    get attempted() {
        return this.displayOf('Last_Attempt');
    }

    get buttonLabel() {
        return this.isAsking ? 'Asking…' : 'Resync';
    }

    async resync() {
        this.isAsking = true;
        try {
            this.dispatchEvent(await requestResync(this.recordId));
        } finally {
            this.isAsking = false;
        }
    }

    valueOf(name) {
        return this.record?.fields?.[`Sync_${name}__c`]?.value;
    }

    displayOf(name) {
        const field = this.record?.fields?.[`Sync_${name}__c`];
        const text = field?.displayValue ?? field?.value;
        return text === undefined || text === null ? '' : String(text);
    }
}
