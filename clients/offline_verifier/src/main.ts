/** The one script of verify.html: the page in a window, the judge in the worker that the page makes of the same script. */

import { startPage } from "./page/page";
import { serve } from "./page/work";

if (typeof document === "undefined") serve();
else startPage();
