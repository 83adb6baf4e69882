import { Environment } from '@marcbachmann/cel-js';
import { addAddressLibrary } from './library/addresses.ts';
import { addAuthorizerLibrary } from './library/authorizer.ts';
import { addListLibraries } from './library/lists.ts';
import { addQuantityLibrary } from './library/quantity.ts';
import { addSemverLibrary } from './library/semver.ts';
import { addTextLibraries } from './library/text.ts';
import { boundRegExps } from './regex.ts';

/** Past these an expression is refused when it is read. */
const limits = { maxAstNodes: 20_000, maxDepth: 200, maxListElements: 1000, maxMapEntries: 1000, maxCallArguments: 32 };

let base: Environment | undefined;
let names: ReadonlySet<string> | undefined;

function kubernetes(): Environment {
  if (!base) {
    boundRegExps();
    base = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits });
    addListLibraries(base);
    addTextLibraries(base);
    addQuantityLibrary(base);
    addSemverLibrary(base);
    addAddressLibrary(base);
    addAuthorizerLibrary(base);
    names = new Set([
      ...base.getDefinitions().functions.map((f) => f.name),
      ...['all', 'exists', 'exists_one', 'map', 'filter', 'has'],
    ]);
  }
  return base;
}

/** An environment with everything that expressions in Kubernetes may use; variables are the caller's to add. */
export const newEnvironment = (): Environment => kubernetes().clone();

/** The names of all functions, for telling an unknown one from one that is used wrongly. */
export function functionNames(): ReadonlySet<string> {
  kubernetes();
  return names ?? new Set();
}
