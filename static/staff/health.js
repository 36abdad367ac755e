// The charts of the health page: asked for anew every ten seconds, also after the server was away.
(() => {
    "use strict";

    const section = document.getElementById("rs-charts");
    if (!section || !window.uPlot) return;

    const INTERVAL_MS = 10000;
    const HEIGHT = 200;
    const FONT = "14px ui-sans-serif, system-ui, sans-serif";
    const note = document.getElementById("rs-charts-note");
    const words = note.textContent;
    const charts = new Map();
    const sync = uPlot.sync("health");
    let range = "1h";
    let node = "";
    let asked = 0;
    let data = null;

    // Colours are taken from the page, so that they follow its light and dark dress.
    const LINES = {
        rate: [["rate", "stored", "--rs-blue"], ["peak", "busiest second", "--rs-warn"]],
        latency: [["p50", "half within", "--rs-good"], ["p95", "95 of 100", "--rs-blue"], ["p99", "99 of 100", "--rs-red"]],
        database: [["database_p50", "half within", "--rs-good"], ["database_p95", "95 of 100", "--rs-blue"], ["database_p99", "99 of 100", "--rs-red"]],
        backlog: [["backlog", "waiting", "--rs-blue"], ["drops", "dropped", "--rs-red"]],
        memory: [["listener_mb", "listener", "--rs-blue"], ["web_mb", "web", "--rs-good"]],
        viewers: [["viewers", "viewers", "--rs-blue"]],
    };

    const colour = (name) => getComputedStyle(section).getPropertyValue(name).trim();
    const figure = (value) => (value == null ? "—" : value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }));
    // Whole things have no marks between them.
    const WHOLE = [1, 2, 5].flatMap((first) => [...Array(9)].map((_, zeros) => first * 10 ** zeros)).sort((a, b) => a - b);
    const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: section.dataset.zone });
    const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: section.dataset.zone });
    const zoned = (seconds) => uPlot.tzDate(new Date(seconds * 1000), section.dataset.zone);

    function make(element, lines, whole) {
        const grid = { stroke: colour("--rs-line"), width: 1 };
        const axis = { stroke: colour("--rs-soft"), font: FONT, labelFont: FONT, grid, ticks: grid };
        const [, ...values] = columns(lines);
        const options = {
            width: element.clientWidth,
            height: HEIGHT,
            tzDate: zoned,
            cursor: { sync: { key: sync.key } },
            // A line of zeros lies on the ground, and a line of one value in the middle of nothing.
            scales: { x: { range: (u, low, high) => [low, high] }, y: { range: (u, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] } },
            axes: [
                { ...axis, space: 70, values: (u, marks) => marks.map((mark) => (range === "1y" ? DATE : CLOCK).format(mark * 1000)) },
                { ...axis, size: 64, ...(whole ? { incrs: WHOLE } : {}), values: (u, marks) => marks.map((mark) => mark.toLocaleString("en")) },
            ],
            series: [
                { label: "Time", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
                ...lines.map(([, label, name], place) => ({
                    label,
                    stroke: colour(name),
                    width: 2,
                    dash: place === 2 ? [6, 4] : undefined,
                    fill: lines.length === 1 || (place === 0 && lines.length === 2) ? `${colour(name)}22` : undefined,
                    spanGaps: false,
                    points: { show: values[place].filter((value) => value != null).length < 3 ? true : undefined },
                    value: (u, value) => figure(value),
                })),
            ],
        };
        return new uPlot(options, columns(lines), element);
    }

    function columns(lines) {
        return [data.t, ...lines.map(([name]) => data[name])];
    }

    function draw() {
        if (!data) return;
        for (const figureElement of section.querySelectorAll("[data-chart]")) {
            const place = figureElement.querySelector("div");
            const lines = LINES[figureElement.dataset.chart];
            charts.get(place)?.destroy();
            place.setAttribute("role", "img");
            place.setAttribute("aria-label", told(lines));
            charts.set(place, make(place, lines, "whole" in figureElement.dataset));
        }
        section.dataset.drawn = range;
    }

    // What the picture says to those who do not see it: the newest of each line.
    function told(lines) {
        return lines.map(([name, label]) => `${label}: ${figure(data[name].findLast((value) => value != null))}`).join(", ");
    }

    function update() {
        for (const [place, chart] of charts) {
            const lines = LINES[place.parentElement.dataset.chart];
            chart.setData(columns(lines));
            place.setAttribute("aria-label", told(lines));
        }
    }

    async function refresh(anew) {
        if (document.hidden && !anew) return;
        const mine = ++asked;
        try {
            const query = new URLSearchParams({ range, node });
            const answer = await fetch(`${section.dataset.url}?${query}`, { headers: { Accept: "application/json" } });
            if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
            const got = await answer.json();
            // Somebody has chosen another range meanwhile.
            if (mine !== asked) return;
            const fewer = data === null || got.t.length < 3 || data.t.length < 3;
            data = got;
            if (anew || fewer) draw(); else update();
            section.classList.remove("rs-charts-stale");
            note.textContent = data.t.length ? words : "Nothing was measured in this time.";
        } catch {
            section.classList.add("rs-charts-stale");
            note.textContent = "The web server does not answer; these lines are old. Trying again.";
        }
    }

    section.addEventListener("click", (event) => {
        const button = event.target.closest("[data-range], [data-node]");
        if (!button) return;
        const name = "range" in button.dataset ? "range" : "node";
        if (name === "range") range = button.dataset.range; else node = button.dataset.node;
        for (const other of section.querySelectorAll(`[data-${name}]`)) {
            other.setAttribute("aria-pressed", String(other === button));
        }
        refresh(true);
    });

    // Wider, narrower, lighter or darker: drawn again.
    new ResizeObserver(() => {
        for (const [place, chart] of charts) {
            if (place.clientWidth && place.clientWidth !== chart.width) chart.setSize({ width: place.clientWidth, height: HEIGHT });
        }
    }).observe(section);
    new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });

    async function loop() {
        await refresh(false);
        setTimeout(loop, INTERVAL_MS);
    }
    refresh(true).then(() => setTimeout(loop, INTERVAL_MS));
})();
