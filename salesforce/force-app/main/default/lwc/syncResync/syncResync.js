/** The quick action Resync: no window, one click, one message. */
import { LightningElement, api } from 'lwc';
import { requestResync } from 'c/syncRequest';

export default class SyncResync extends LightningElement {
    @api recordId;
    isRunning = false;

    @api async invoke() {
        if (this.isRunning) {
            return;
        }
        this.isRunning = true;
        try {
            this.dispatchEvent(await requestResync(this.recordId));
        } finally {
            this.isRunning = false;
        }
    }
}
