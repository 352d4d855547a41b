/** The toast of the platform, for tests: an event that carries what it would show. */
export class ShowToastEvent extends CustomEvent {
    constructor(detail) {
        super('lightning__showtoast', { detail, composed: true, cancelable: true, bubbles: true });
    }
}
