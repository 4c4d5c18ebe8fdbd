// Gives today's Node the one thing of 2014's that the published client needs: the global object's old name.
'use strict';

globalThis.GLOBAL = globalThis;
