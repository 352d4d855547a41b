// Draws the pictures of the overview from the tables beneath them. Without this file the tables are the page.
(function () {
  "use strict";
  if (!window.Chart) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let drawn = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  // The exact figures stand in the table; a picture needs no more than a screen can show.
  function rowsOf(table) {
    return Array.from(table.tBodies[0].rows, function (row) {
      const cell = row.querySelector("[data-value]");
      return { label: row.cells[0].textContent.trim(), value: Number(cell.dataset.value), words: cell.textContent.trim() };
    });
  }

  function short(text) { return text.length > 22 ? text.slice(0, 21) + "…" : text; }

  function draw(canvas) {
    const table = document.getElementById(canvas.dataset.table);
    const rows = rowsOf(table);
    const tones = canvas.dataset.tones.split(" ");
    const lies = canvas.dataset.kind === "bars";
    const isCount = !table.dataset.unit;
    canvas.hidden = false;
    canvas.parentElement.classList.add(lies ? "is-lying" : "is-standing");
    canvas.parentElement.style.setProperty("--rows", rows.length);
    const figures = {
      beginAtZero: true, grid: { color: colour("line") }, border: { display: false },
      ticks: { color: colour("quiet"), maxTicksLimit: 5, precision: isCount ? 0 : undefined,
        callback: function (value) { return new Intl.NumberFormat("en", { notation: "compact" }).format(value); } }
    };
    const names = { grid: { display: false }, border: { color: colour("line-strong") },
      ticks: { color: colour("quiet"), autoSkip: false, maxRotation: 50,
        callback: function (value) { return short(this.getLabelForValue(value)); } } };
    return new Chart(canvas, {
      type: "bar",
      data: {
        labels: rows.map(function (row) { return row.label; }),
        datasets: [{
          // Nothing is drawn for nothing; whatever is above it is at least visible.
          data: rows.map(function (row) { return row.value || null; }),
          backgroundColor: rows.map(function (row, at) { return colour(tones[Math.min(at, tones.length - 1)]); }),
          maxBarThickness: 44, minBarLength: 2, borderRadius: 3
        }]
      },
      options: {
        indexAxis: lies ? "y" : "x", maintainAspectRatio: false, responsive: true,
        animation: still.matches ? false : { duration: 250 },
        font: { family: getComputedStyle(document.body).fontFamily },
        scales: lies ? { x: figures, y: names } : { x: names, y: figures },
        plugins: {
          legend: { display: false },
          tooltip: { displayColors: false, callbacks: { label: function (item) { return rows[item.dataIndex].words; } } }
        }
      }
    });
  }

  function drawAll() {
    drawn.forEach(function (chart) { chart.destroy(); });
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawn = Array.from(document.querySelectorAll("canvas[data-table]"), draw);
    document.documentElement.dataset.pictures = String(drawn.length);
  }

  dark.addEventListener("change", drawAll);
  drawAll();
})();
