// The first thing that runs: sets the colour scheme before anything is drawn, then loads the rest.
import { readNonce } from "./app/nonce";
import { initialScheme } from "./app/scheme";

document.documentElement.dataset.mantineColorScheme = initialScheme();

// Libraries that add style elements on their own look for the nonce here.
Object.assign(globalThis, { __webpack_nonce__: readNonce() });

void import("./main");
