// Parses every Apex class and trigger; prints each fault with file, line and column, and ends with 1 when there is one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApexErrorListener, ApexParserFactory } from '@apexdevtools/apex-parser';

const faults = [];

class Listener extends ApexErrorListener {
    constructor(file) {
        super();
        this.file = file;
    }

    apexSyntaxError(line, column, message) {
        faults.push(`${this.file}:${line}:${column} ${message}`);
    }
}

function* apexFiles(folder) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && entry.name !== 'node_modules') {
            yield* apexFiles(join(folder, entry.name));
        } else if (/\.(cls|trigger)$/.test(entry.name)) {
            yield join(folder, entry.name);
        }
    }
}

let count = 0;
for (const file of apexFiles(process.argv[2] ?? '.')) {
    const parser = ApexParserFactory.createParser(readFileSync(file, 'utf8'));
    parser.removeErrorListeners();
    parser.addErrorListener(new Listener(file));
    if (file.endsWith('.trigger')) {
        parser.triggerUnit();
    } else {
        parser.compilationUnit();
    }
    count += 1;
}
console.log(faults.length ? faults.join('\n') : `${count} Apex files parsed`);
process.exitCode = faults.length ? 1 : 0;
