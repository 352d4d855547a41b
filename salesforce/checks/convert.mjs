// Reads a project as the deployment does and converts it; prints how many components of each type it has.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ComponentSet, MetadataConverter } from '@salesforce/source-deploy-retrieve';

const target = mkdtempSync(join(tmpdir(), 'countersign-package-'));
const found = {};
try {
    const components = ComponentSet.fromSource(join(process.argv[2] ?? '.', 'force-app'));
    for (const component of components.getSourceComponents()) {
        (found[component.type.name] ??= []).push(component.fullName);
    }
    await new MetadataConverter().convert(components, 'metadata', { type: 'directory', outputDirectory: target });
} finally {
    rmSync(target, { recursive: true, force: true });
}
console.log(JSON.stringify(found));
