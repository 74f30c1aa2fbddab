/** How the page of an execution looks, by day and by night. */

/** A style sheet; it names no resource. */
export const style = `
:root { color-scheme: light dark; --bg: #fbfaf8; --panel: #fff; --ink: #1d2330; --muted: #667085; --rule: #dcdfe5; --line: #b6bdc9;
  --host: #2458b8; --client: #7a5af8; --bad: #c4320a; --bad-bg: #fff1ec; --mark: #ffe08a; --add: #e3f5e6; --del: #fde4e0; --chg: #fff6da; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171d; --panel: #1b1f27; --ink: #e6e9ef; --muted: #98a2b3; --rule: #2e3440; --line: #475467;
  --host: #7aa7ff; --client: #b3a0ff; --bad: #ff8f6b; --bad-bg: #33201b; --mark: #6d5500; --add: #173322; --del: #3c1d1b; --chg: #372e14; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
header { padding: 18px 24px 8px; max-width: 1500px; }
h1 { font-size: 20px; margin: 0; } h1 span { font-weight: 400; color: var(--muted); }
h2 { font-size: 16px; margin: 0 0 6px; } h3 { font-size: 12px; margin: 14px 0 4px; color: var(--muted); text-transform: uppercase; letter-spacing: .04em; }
.facts { color: var(--muted); margin: 2px 0 12px; }
code { font: 12px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
pre { font: 12px/1.4 ui-monospace, Menlo, Consolas, monospace; margin: 10px 0 0; overflow-x: auto; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
.violation { background: var(--bad-bg); border-left: 4px solid var(--bad); border-radius: 4px; padding: 12px 16px; }
.violation h2 { color: var(--bad); } .violation p { margin: 4px 0; } .violation.none { border-color: var(--line); background: none; } .violation.none h2 { color: inherit; margin: 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 14px; margin: 6px 0 0; } dt { color: var(--muted); } dd { margin: 0; }
main { display: grid; grid-template-columns: minmax(0, 1fr) minmax(380px, 38%); gap: 20px; padding: 8px 24px 20px; align-items: start; }
.diagram { overflow: auto; max-height: 100%; background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; }
.names { position: sticky; top: 0; z-index: 1; background: var(--panel); border-bottom: 1px solid var(--rule); }
svg { display: block; font: 11px system-ui, sans-serif; }
aside { max-height: 100%; overflow: auto; background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 14px 18px; }
.hint { margin: 0 0 10px; color: var(--muted); font-size: 12px; }
.at { display: inline-block; min-width: 24px; margin-right: 8px; padding: 0 6px; text-align: center; border-radius: 10px; background: var(--host); color: var(--panel); font-size: 13px; }
.clock, .summary, .nothing { margin: 0; color: var(--muted); } .fails { margin: 0 0 6px; color: var(--bad); font-weight: 600; }
ul { margin: 0; padding-left: 18px; } li { margin: 2px 0; }
table { border-collapse: collapse; width: 100%; margin-top: 4px; table-layout: fixed; } th, td { text-align: left; vertical-align: top; padding: 3px 6px; border-top: 1px solid var(--rule); }
thead th { color: var(--muted); font-weight: 500; border: 0; } thead th:first-child { width: 30%; } tbody th { font-weight: 500; overflow-wrap: anywhere; }
tr.changed { background: var(--chg); } tr.added { background: var(--add); } tr.removed { background: var(--del); } tr.same { color: var(--muted); }
.line { stroke: var(--line); stroke-width: 1.5; } .line.client, .line.stranger { stroke-dasharray: 3 4; }
.name { text-anchor: middle; font-weight: 600; font-size: 12px; fill: var(--ink); } .kind { text-anchor: middle; fill: var(--muted); }
.arrow { fill: none; stroke: var(--muted); stroke-width: 1.2; opacity: .75; } #head path { fill: var(--muted); }
.tag { text-anchor: middle; fill: var(--muted); paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; pointer-events: none; }
.arrow.near { stroke: var(--host); stroke-width: 2; opacity: 1; } .tag.near { fill: var(--host); font-weight: 600; }
.event { cursor: pointer; outline: none; } .event .touch { fill: transparent; }
.event circle { fill: var(--panel); stroke: var(--host); stroke-width: 2; } .event.send rect:not(.touch) { fill: var(--panel); stroke: var(--client); stroke-width: 2; }
.number { text-anchor: middle; font-size: 10px; fill: var(--ink); pointer-events: none; }
.what { paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; fill: var(--ink); pointer-events: none; } .what { text-anchor: middle; font-size: 10px; }
.event[aria-pressed=true] circle { fill: var(--host); } .event.send[aria-pressed=true] rect:not(.touch) { fill: var(--client); } .event[aria-pressed=true] .number { fill: var(--panel); }
.event.fails circle { stroke: var(--bad); stroke-width: 3; } .event.fails[aria-pressed=true] circle { fill: var(--bad); } .event.fails .what { fill: var(--bad); font-weight: 700; }
.event:focus-visible .touch { stroke: var(--host); stroke-dasharray: 2 2; }
@media (min-width: 1001px) and (min-height: 600px) { body { display: flex; flex-direction: column; height: 100vh; } header { flex: none; max-height: 45vh; overflow: auto; } main { flex: 1; min-height: 0; } }
@media (max-width: 1000px) { main { grid-template-columns: minmax(0, 1fr); } .diagram { max-height: 70vh; } }
@media print { body { height: auto; } .diagram { max-height: none; } aside { display: none; } main { display: block; } }
`;
