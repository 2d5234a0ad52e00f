"""How the page looks: light, dark, and on paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2430; --dim: #5c6675; --line: #d9dee6;
  --card: #f5f7fa; --main: #1f6fb4; --band: #1f6fb4; --past: #3b4452; --good: #1b7f4d;
  --m1: #c2571a; --m2: #4c8a3f; --m3: #8a5bb0; --m4: #a8851d; --m5: #b3476f; --m6: #3f8f94; }
@media (prefers-color-scheme: dark) { :root { --page: #14181f; --ink: #e6eaf0; --dim: #9aa5b4;
  --line: #333c49; --card: #1c222b; --main: #6cb2f0; --band: #6cb2f0; --past: #c9d1dc;
  --good: #66c795; --m1: #f09a62; --m2: #8fca80; --m3: #c4a0e4; --m4: #dcc063; --m5: #ec8fb0;
  --m6: #7fd0d4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .2rem; overflow-wrap: anywhere; }
p, li { max-width: 48rem; overflow-wrap: anywhere; }
.dim, figcaption, caption { color: var(--dim); font-size: .9rem; }
.lead { font-size: 1.08rem; }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0; }
.cards div { flex: 1 1 9.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; padding: .7rem .9rem; }
.cards dt { color: var(--dim); font-size: .85rem; }
.cards dd { margin: 0; font-size: 1.3rem; font-weight: 600; overflow-wrap: anywhere; }
.cards small { display: block; font-size: .82rem; font-weight: 400; color: var(--dim); }
dl.cards { margin-left: 0; }
figure { margin: .8rem 0; overflow-x: auto; }
main > figure > svg { min-width: 36rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
.grid h3 { margin-top: 0; }
.grid figure { margin: 0; border: 1px solid var(--line); border-radius: .5rem; padding: .6rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal;
  overflow-wrap: anywhere; min-width: 6rem; max-width: 22rem; font-weight: 400; }
thead th, thead th:first-child { font-weight: 600; border-bottom: 2px solid var(--line);
  vertical-align: bottom; }
tr.chosen th, tr.chosen td { font-weight: 600; }
summary { cursor: pointer; color: var(--main); }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font-size: 12px; fill: var(--dim); }
svg .said { visibility: hidden; fill: var(--ink); paint-order: stroke; stroke: var(--page);
  stroke-width: 4px; }
svg .answers rect { fill: transparent; }
svg .answers g:hover rect { fill: var(--main); fill-opacity: .18; }
svg .answers g:hover .said { visibility: visible; }
svg line.grid { stroke: var(--line); stroke-width: 1; }
svg line.axis, svg line.now { stroke: var(--dim); stroke-width: 1; }
svg line.now { stroke-dasharray: 3 3; }
svg polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
svg polyline.past { stroke: var(--past); stroke-width: 1.2; } svg circle.past { fill: var(--past); }
svg polyline.m0 { stroke: var(--main); stroke-width: 2.4; } svg circle.m0 { fill: var(--main); }
svg polygon { fill: var(--band); stroke: none; }
svg .outer { fill-opacity: .16; } svg .inner { fill-opacity: .28; }
@@METHODS@@
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: .3rem 0;
  padding: 0; font-size: .88rem; color: var(--dim); }
.key svg { display: inline-block; width: 28px; height: 12px; vertical-align: middle;
  margin-right: .4rem; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); color: var(--dim);
  font-size: .85rem; }
@media print { :root { --page: #fff; --ink: #000; --dim: #444; --line: #bbb; --card: #fff;
  --main: #1f6fb4; --band: #1f6fb4; --past: #222; --m1: #c2571a; --m2: #4c8a3f; --m3: #8a5bb0;
  --m4: #a8851d; --m5: #b3476f; --m6: #3f8f94; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  figure, tr, .cards div { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .wide, figure { overflow: visible; } main > figure > svg { min-width: 0; }
  .grid { grid-template-columns: 1fr 1fr; }
  details > summary { display: none; } .answers { display: none; } }
"""

#: How many methods' lines differ.
METHODS = 7

# Lines of methods differ in their dashes as well: for paper, and for eyes that do not tell colours.
_DASHES = ("6 3", "2 3", "8 3 2 3", "12 4", "4 2", "1 2")
STYLE = STYLE.replace(
    "@@METHODS@@",
    "\n".join(
        f"svg polyline.m{i} {{ stroke: var(--m{i}); stroke-dasharray: {dash}; }} "
        f"svg circle.m{i} {{ fill: var(--m{i}); }}"
        for i, dash in enumerate(_DASHES, start=1)
    ),
)
