// After signing in again: what was typed before goes on by itself; the button does the same without a script.
"use strict";

document.querySelector("form[data-resume]")?.requestSubmit();
