/*-------------------------------------------------------------------------
 *
 * report_style.c
 *		The style sheet of the HTML reports.
 *
 * Colours of text against their ground have a contrast of 4.5 and more, in the
 * light and in the dark.  Nothing is wider than the screen: long words break,
 * tables become lists of named values below 700 pixels.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg_dataclass/report_page.h"

const char	report_style[] =
":root{--bg:#f4f6f8;--card:#fff;--ink:#14212b;--soft:#4a5a66;--line:#d3dbe1;--head:#0f3d5c;--headink:#fff;"
"--accent:#0f5c8a;--good:#1b6e3c;--goodbg:#e3f3e8;--bad:#a8231c;--badbg:#fbe7e5;--open:#7a4d00;--openbg:#fdf1d8;"
"--track:#e6ebef;--goodfill:#2f8f55;--badfill:#c2372e;--openfill:#d99a1c}\n"
"@media (prefers-color-scheme:dark){:root{--bg:#10171d;--card:#18222b;--ink:#e8eef2;--soft:#a9b8c3;--line:#32424f;--head:#0b2c43;"
"--accent:#7cc0ea;--good:#8fdba9;--goodbg:#153524;--bad:#ff9f97;--badbg:#45191a;--open:#f3c66b;--openbg:#3b2c0d;"
"--track:#2a3843;--goodfill:#3fa568;--badfill:#e0544a;--openfill:#d99a1c}}\n"
"*{box-sizing:border-box}\n"
"html{-webkit-text-size-adjust:100%}\n"
"body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif;overflow-wrap:anywhere}\n"
"header{background:var(--head);color:var(--headink);padding:28px max(20px,calc(50% - 560px))}\n"
"main,footer{max-width:1160px;margin:0 auto;padding:0 20px}\n"
"h1{font-size:1.75rem;line-height:1.2;margin:.1em 0 .25em}\n"
"h2{font-size:1.25rem;line-height:1.3;margin:0 0 .7em;color:var(--accent)}\n"
"h3{font-size:1.02rem;margin:1.4em 0 .5em}\n"
".eyebrow{margin:0;font-size:.85rem;opacity:.9}\n"
".sub{margin:0;max-width:60em}\n"
"section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:20px 22px;margin:20px 0}\n"
".note{color:var(--soft);font-size:.92rem;max-width:70em;margin:.6em 0}\n"
"footer{color:var(--soft);font-size:.85rem;padding-bottom:28px}\n"
".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:20px 0}\n"
".figures div{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--accent);border-radius:8px;padding:12px 14px}\n"
".figures div.bad{border-left-color:var(--badfill)}.figures div.good{border-left-color:var(--goodfill)}.figures div.open{border-left-color:var(--openfill)}\n"
".figures dt{color:var(--soft);font-size:.85rem}.figures dd{margin:0;font-size:1.45rem;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}\n"
".figures div.long dd{font-size:1.05rem}\n"
".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:2px 28px;margin:0}\n"
".facts div{display:flex;gap:12px;padding:6px 0;border-bottom:1px solid var(--line)}\n"
".facts dt{flex:0 0 8.5em;color:var(--soft)}.facts dd{margin:0;min-width:0}\n"
".pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:8px 32px;align-items:start}\n"
".chart{display:block;width:100%;max-width:520px;height:auto;margin:4px 0 10px}\n"
".chart text{fill:var(--ink);font-size:13px;unicode-bidi:isolate}.chart .num{font-variant-numeric:tabular-nums;fill:var(--soft)}\n"
".chart .u,.u{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.82em}\n"
".u{background:var(--badbg);color:var(--bad);border-radius:3px;padding:0 .25em;white-space:nowrap;unicode-bidi:isolate}.chart .u{fill:var(--bad)}\n"
".track{fill:var(--track)}rect.good{fill:var(--goodfill)}rect.bad{fill:var(--badfill)}rect.open{fill:var(--openfill)}\n"
".axis{stroke:var(--soft)}.grid{stroke:var(--line)}.limit{stroke:var(--ink);stroke-width:2}\n"
"table{width:100%;border-collapse:collapse;font-size:.92rem;margin:.3em 0 1em;table-layout:auto}\n"
"caption{text-align:start;font-weight:600;padding:.3em 0}\n"
"th,td{text-align:start;vertical-align:top;padding:7px 10px 7px 0;border-bottom:1px solid var(--line)}\n"
"thead th{color:var(--soft);font-weight:600;border-bottom:2px solid var(--line);overflow-wrap:normal}\n"
"tbody th{font-weight:600}\n"
"td.n,th.n{font-variant-numeric:tabular-nums}\n"
"code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.88em;white-space:pre-wrap}\n"
".minor{color:var(--soft);font-size:.92em;display:block}\n"
".badge{display:inline-block;border-radius:4px;padding:0 .5em;font-size:.88em;font-weight:600}\n"
".badge.good{color:var(--good);background:var(--goodbg)}.badge.bad{color:var(--bad);background:var(--badbg)}.badge.open{color:var(--open);background:var(--openbg)}\n"
".none{color:var(--soft);font-style:italic}\n"
".life{list-style:none;margin:0;padding:0}\n"
".life li{position:relative;padding:0 0 14px 28px;border-left:2px solid var(--line);margin-left:8px}\n"
".life li:last-child{border-left-color:transparent;padding-bottom:0}\n"
".life li::before{content:\"\";position:absolute;left:-9px;top:3px;width:12px;height:12px;border-radius:50%;border:2px solid var(--soft);background:var(--card)}\n"
".life li.done::before{background:var(--goodfill);border-color:var(--goodfill)}\n"
".life li.todo{color:var(--soft)}.life strong{display:block}\n"
"@media (max-width:700px){header{padding:20px 16px}main,footer{padding:0 12px}section{padding:16px 14px;margin:14px 0}h1{font-size:1.4rem}\n"
".pair{grid-template-columns:minmax(0,1fr)}.figures{grid-template-columns:repeat(2,minmax(0,1fr))}.figures dd{font-size:1.2rem}.facts dt{flex-basis:7.5em}\n"
"table,tbody,tr,th,td,caption{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
"tr{border:1px solid var(--line);border-radius:6px;padding:6px 10px;margin:0 0 10px}\n"
"tbody th,td{display:flex;gap:10px;padding:3px 0;border:0}\n"
"tbody th::before,td::before{content:attr(data-h);flex:0 0 7em;color:var(--soft);font-weight:400}\n"
"tbody th>*,td>*{min-width:0}}\n"
"@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#333;--line:#bbb;--head:#fff;--headink:#000;--accent:#0f3d5c;--good:#14532d;--goodbg:#fff;--bad:#8a1c16;--badbg:#fff;"
"--open:#5c3a00;--openbg:#fff;--track:#eee;--goodfill:#2f8f55;--badfill:#c2372e;--openfill:#d99a1c}\n"
"@page{margin:16mm 14mm}body{font-size:10.5pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}header{padding:0 0 8px;border-bottom:2px solid #000}main,footer{max-width:none;padding:0}\n"
"section{border:0;border-top:1px solid var(--line);border-radius:0;padding:10px 0;margin:10px 0}h2,h3,caption{break-after:avoid}tr,.chart,.figures div,.life li,.pair>div>.chart{break-inside:avoid}thead{display:table-header-group}\n"
".badge{border:1px solid currentColor}.page{break-before:page}}\n";
