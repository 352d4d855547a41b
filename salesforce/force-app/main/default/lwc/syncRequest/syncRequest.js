/**
 * Asks for a Resync: sets the two fields that ask, and tells what happens next.
 *
 * The change of the fields sends the record to Countersign; nothing is called from the browser.
 */
import { updateRecord } from 'lightning/uiRecordApi';
import { ShowToastEvent } from 'lightning/platformShowToastEvent';
import userId from '@salesforce/user/Id';

export const ASKED = {
    title: 'Resync asked for',
    message: 'The deal is looked at again. Its status changes within a minute.',
    variant: 'success'
};

/** Ask for a Resync of the record; answers the toast to show. */
export async function requestResync(recordId) {
    try {
        await updateRecord({
            fields: {
                Id: recordId,
                Sync_Requested_At__c: new Date().toISOString(),
                Sync_Requested_By__c: userId
            }
        });
        return new ShowToastEvent(ASKED);
    } catch (error) {
        return new ShowToastEvent({
            title: 'Resync could not be asked for',
            message: `${reasonOf(error)} Ask your Salesforce administrator for the permission set "Countersign User".`,
            variant: 'error',
            mode: 'sticky'
        });
    }
}

function reasonOf(error) {
    const details = error?.body?.output?.errors?.map((one) => one.message).join(' ');
    return details || error?.body?.message || 'Salesforce refused the change.';
}
