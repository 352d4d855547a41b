import { createElement } from 'lwc';
import { updateRecord } from 'lightning/uiRecordApi';
import SyncResync from 'c/syncResync';
import { later } from '../../../../../../checks/panel';

describe('the quick action Resync', () => {
    afterEach(() => {
        document.body.replaceChildren();
        jest.clearAllMocks();
    });

    it('asks once, however often it is pressed, and says that it was taken', async () => {
        const action = createElement('c-sync-resync', { is: SyncResync });
        action.recordId = '006000000000001AAA';
        document.body.appendChild(action);
        const toasts = [];
        action.addEventListener('lightning__showtoast', (event) => toasts.push(event.detail.title));
        let answer;
        updateRecord.mockReturnValue(new Promise((resolve) => { answer = resolve; }));
        const first = action.invoke();
        const second = action.invoke();
        answer({});
        await Promise.all([first, second]);
        await later();
        expect(updateRecord).toHaveBeenCalledTimes(1);
        expect(updateRecord.mock.calls[0][0].fields.Id).toBe('006000000000001AAA');
        expect(toasts).toEqual(['Resync asked for']);
    });
});
