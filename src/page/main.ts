/** The page: three parts behind tabs, which arrow keys move through as the ARIA practices describe. */
import { startBench } from './bench.ts';
import { find } from './elements.ts';
import { startInspector } from './inspector.ts';
import { startLive } from './live.ts';

const PARTS = ['inspector', 'live', 'bench'] as const;

const tabs = PARTS.map(part => find(`tab-${part}`, HTMLButtonElement));

function show(chosen: number): void {
  for (const [i, tab] of tabs.entries()) {
    tab.ariaSelected = String(i === chosen);
    tab.tabIndex = i === chosen ? 0 : -1;
    find(PARTS[i]!, HTMLElement).hidden = i !== chosen;
  }
}

function choose(chosen: number): void {
  show(chosen);
  tabs[chosen]!.focus();
  history.replaceState(null, '', `#${PARTS[chosen]}`);
}

for (const [i, tab] of tabs.entries()) {
  tab.addEventListener('click', () => choose(i));
  tab.addEventListener('keydown', event => {
    const last = tabs.length - 1;
    const target = { ArrowRight: i === last ? 0 : i + 1, ArrowLeft: i ? i - 1 : last, Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    choose(target);
  });
}

function showAddressed(): void {
  show(Math.max(0, PARTS.indexOf(location.hash.slice(1) as (typeof PARTS)[number])));
}

addEventListener('hashchange', showAddressed);
showAddressed();
startInspector();
startLive();
startBench();
