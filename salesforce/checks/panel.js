/** What tests of the components share: a record as Salesforce gives it, waiting, and keeping what is shown for pictures. */
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

/** A record whose sync fields have these values; a value may be {value, displayValue}. */
export function recordWith(values) {
    const fields = {};
    for (const [name, value] of Object.entries(values)) {
        const isPair = value !== null && typeof value === 'object';
        fields[`Sync_${name}__c`] = isPair ? value : { value, displayValue: null };
    }
    return { apiName: 'Quote', fields };
}

/** Let everything that is due happen. */
export const later = () => new Promise((resolve) => { setTimeout(resolve); });

/** Write the markup to the folder that PANEL_FOLDER names, for a browser to show. */
export function keepPicture(name, root) {
    const folder = process.env.PANEL_FOLDER;
    if (folder) {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, `${name}.html`), root.innerHTML);
    }
}
