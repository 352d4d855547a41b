import { createElement } from 'lwc';
import { getRecord, updateRecord } from 'lightning/uiRecordApi';
import SyncPanel from 'c/syncPanel';
import { keepPicture, later, recordWith } from '../../../../../../checks/panel';

const QUOTE = '0Q0000000000001AAA';
const BLOCKED = {
    Status: 'Blocked',
    Steps: 'Customer: done\nContract: done\nSubscriptions: blocked\nMetering: waiting\nRead-back: waiting',
    Error_Code: 'MISSING_START_DATE',
    Error: 'Quote 0Q0… has no start date (Contract_Start__c is empty).\nFill it in, then press Resync. Who: sales rep.',
    Order_Number: 'O-000017',
    Link: 'https://billing.example.com/review/orders/O-000017'
};
const SYNCED = {
    Status: 'Synced',
    Steps: 'Customer: done\nContract: done\nSubscriptions: done\nMetering: done\nRead-back: done',
    Order_Number: 'O-000018',
    Contract_Number: 'C-000009',
    Contract_Value: { value: 126000, displayValue: '126,000.00' },
    Next_Invoice_On: { value: '2026-12-01', displayValue: '12/1/2026' },
    Next_Invoice_Amount: { value: 3500, displayValue: '3,500.00' },
    Last_Invoice: 'DE-2026-000041, issued',
    Open_Balance: { value: 4165, displayValue: '4,165.00' },
    Usage: '820 of 1,000 hours until 2027-01-01',
    Link: 'https://billing.example.com/review/orders/O-000018'
};

async function shown(values) {
    const panel = createElement('c-sync-panel', { is: SyncPanel });
    panel.recordId = QUOTE;
    panel.objectApiName = 'Quote';
    document.body.appendChild(panel);
    if (values) {
        getRecord.emit(recordWith(values));
    }
    await later();
    return panel.shadowRoot;
}

const textOf = (root, selector) => root.querySelector(selector)?.textContent;

describe('the billing panel', () => {
    afterEach(() => {
        document.body.replaceChildren();
        jest.clearAllMocks();
    });

    it('says that it is loading before anything is known', async () => {
        expect(textOf(await shown(null), '.quiet')).toContain('Loading');
    });

    it('shows the state, every step, the error and what to do', async () => {
        const root = await shown(BLOCKED);
        keepPicture('blocked', root);
        expect(textOf(root, '.badge')).toBe('Blocked');
        expect(textOf(root, '[role=alert]')).toContain('Fill it in, then press Resync. Who: sales rep.');
        expect(textOf(root, '.code')).toBe('MISSING_START_DATE');
        const steps = [...root.querySelectorAll('.steps li')].map((row) => row.textContent);
        expect(steps).toEqual([
            'Customerdone', 'Contractdone', 'Subscriptionsblocked', 'Meteringwaiting', 'Read-backwaiting'
        ]);
    });

    it('shows the numbers that people ask for, as Salesforce formats them', async () => {
        const root = await shown(SYNCED);
        keepPicture('synced', root);
        const facts = [...root.querySelectorAll('.facts div')].map((row) => row.textContent);
        expect(facts).toContain('Contract value126,000.00');
        expect(facts).toContain('Usage820 of 1,000 hours until 2027-01-01');
        expect(root.querySelector('[role=alert]')).toBeNull();
    });

    it('shows a warning of a deal that is set up as a warning, not as a failure', async () => {
        const root = await shown({ ...SYNCED, Status: 'Warning', Error: 'The invoice was sent back.', Error_Code: 'X' });
        expect(root.querySelector('[role=alert]').className).toContain('warning');
    });

    it('shows a record that was never sent as that', async () => {
        const root = await shown({ Status: null });
        keepPicture('not-sent', root);
        expect(textOf(root, '.badge')).toBe('Not Sent');
        expect(root.querySelector('.steps')).toBeNull();
    });

    it('tells people without the permission set whom to ask', async () => {
        const root = await shown({});
        expect(textOf(root, '.quiet')).toContain('Countersign User');
        expect(root.querySelector('button')).toBeNull();
    });

    it('says the same when Salesforce refuses the record', async () => {
        const root = await shown(null);
        getRecord.error();
        await later();
        expect(textOf(root, '.quiet')).toContain('Countersign User');
    });

    it('shows markup and right-to-left text as text', async () => {
        const error = '<img src=x onerror=alert(1)> \u202Eעברית';
        const root = await shown({ ...BLOCKED, Error: error });
        expect(textOf(root, '.sentence')).toBe(error);
        expect(root.querySelector('img')).toBeNull();
    });

    it('links to nothing but web addresses', async () => {
        expect((await shown(BLOCKED)).querySelector('a').href).toBe(BLOCKED.Link);
        // eslint-disable-next-line no-script-url
        expect((await shown({ ...BLOCKED, Link: 'javascript:alert(1)' })).querySelector('a')).toBeNull();
    });

    it('asks for a Resync by setting the two fields that ask, once', async () => {
        const root = await shown(BLOCKED);
        const toasts = [];
        root.host.addEventListener('lightning__showtoast', (event) => toasts.push(event.detail));
        let answer;
        updateRecord.mockReturnValue(new Promise((resolve) => { answer = resolve; }));
        root.querySelector('button').click();
        await later();
        expect(root.querySelector('button').disabled).toBe(true);
        root.querySelector('button').click();
        answer({});
        await later();
        expect(updateRecord).toHaveBeenCalledTimes(1);
        expect(Object.keys(updateRecord.mock.calls[0][0].fields).sort()).toEqual([
            'Id', 'Sync_Requested_At__c', 'Sync_Requested_By__c'
        ]);
        expect(toasts[0].variant).toBe('success');
        expect(root.querySelector('button').disabled).toBe(false);
    });

    it('says in words why a Resync was refused', async () => {
        const root = await shown(BLOCKED);
        const toasts = [];
        root.host.addEventListener('lightning__showtoast', (event) => toasts.push(event.detail));
        updateRecord.mockRejectedValue({ body: { output: { errors: [{ message: 'The record is locked.' }] } } });
        root.querySelector('button').click();
        await later();
        expect(toasts[0].variant).toBe('error');
        expect(toasts[0].message).toContain('The record is locked.');
    });
});
