// Draws each figure with Plotly.react, so that new data moves lines instead of building a new chart.
// data-builds counts how often a chart's drawing was put up (1 is the first time), data-updates its updates.

const CONFIG = {
  displaylogo: false,
  responsive: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".lab-charts")
  root.latest = data
  arrange(root, data)
  loadPlotly(data.library).then(() => draw(root))
  if (!root.listens) {
    root.listens = true
    window.addEventListener("lab-news", hear)
  }
  function hear({ detail }) {
    if (!root.isConnected) window.removeEventListener("lab-news", hear)
    else if (detail.heads && String(detail.runs) === String(root.latest.live)) grow(root, detail)
  }
  // Streamlit also calls this for an element that it goes on to use, so look whether it is gone.
  return () =>
    setTimeout(() => {
      if (!root.isConnected) for (const chart of root.children) window.Plotly?.purge(chart)
    })
}

// The library is one script of the document, whatever number of charts ask for it.
function loadPlotly(address) {
  window.labPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script")
    script.src = address
    script.onload = resolve
    script.onerror = () => {
      window.labPlotly = undefined
      reject(new Error("The charts cannot be drawn: the server did not answer. Reload the page."))
    }
    document.head.append(script)
  })
  return window.labPlotly
}

// New points continue the figures; a page that lacks points before them asks for these.
function grow(root, { heads, ranges }) {
  for (const [index, quantity] of root.latest.quantities.entries()) {
    const figure = root.latest.figures[index]
    for (const trace of figure.data) {
      if (!trace.meta) continue // drawn from what is over
      const points = heads[trace.meta.head]
      if (points.at > trace.x.length) return void window.dispatchEvent(new CustomEvent("lab-news-missed"))
      const { low, high, [trace.meta.series]: values } = points[quantity]
      trace.x = [...trace.x.slice(0, points.at), ...points.epochs]
      trace.y = [...trace.y.slice(0, points.at), ...values]
      if (trace.customdata)
        trace.customdata = [...trace.customdata.slice(0, points.at), ...low.map((from, place) => [from, high[place]])]
      if (trace.meta.series === "median" && trace.x.length > 1) Object.assign(trace, { mode: "lines", cliponaxis: true })
    }
    if (!ranges) continue
    const [low, high] = figure.layout.yaxis.range // room for what is drawn from before, too
    figure.layout.yaxis.range = [Math.min(low, ranges[quantity][0]), Math.max(high, ranges[quantity][1])]
  }
  if (window.Plotly) draw(root)
}

function arrange(root, data) {
  while (root.children.length > data.figures.length) root.lastChild.remove()
  while (root.children.length < data.figures.length) root.append(newChart())
  for (const [index, chart] of [...root.children].entries()) {
    chart.style.height = `${data.height}px`
    chart.setAttribute("aria-label", data.describe[index])
  }
}

function newChart() {
  const chart = document.createElement("div")
  chart.className = "lab-chart"
  chart.setAttribute("role", "img")
  chart.dataset.builds = 0
  chart.dataset.updates = 0
  new MutationObserver(changes => {
    const built = changes.flatMap(change => [...change.addedNodes]).filter(node => node.matches?.(".svg-container, .plot-container"))
    chart.dataset.builds = Number(chart.dataset.builds) + built.length
  }).observe(chart, { childList: true })
  new ResizeObserver(() => {
    if (!chart.data || !chart.offsetWidth) return
    const layout = structuredClone(chart.layout)
    fitTitle(layout, chart)
    const { title, margin } = layout
    window.Plotly.relayout(chart, layout.meta?.fitTitle ? { title, margin, autosize: true } : { autosize: true })
  }).observe(chart)
  return chart
}

function draw(root) {
  const { figures, templates, revision } = root.latest
  const look = getComputedStyle(root)
  const ground = look.getPropertyValue("--st-background-color") || "#ffffff"
  const template = structuredClone(isDark(ground) ? templates.dark : templates.light)
  template.layout.font.family = look.fontFamily
  const touch = matchMedia("(pointer: coarse)").matches
  for (const [index, chart] of [...root.children].entries()) {
    const figure = structuredClone(figures[index])
    // Plotly draws what has to stand out from the ground, such as the line under the pointer, by the ground's colour.
    Object.assign(figure.layout, { template, paper_bgcolor: ground, uirevision: revision, autosize: true })
    fitTitle(figure.layout, chart)
    if (touch) figure.layout.dragmode = false // a finger on a chart scrolls the page
    chart.dataset.updates = Number(chart.dataset.updates) + 1
    window.Plotly.react(chart, figure.data, figure.layout, { ...CONFIG, displayModeBar: touch ? false : "hover" })
  }
}

// A title above a chart gets as many lines as the chart's width asks for, and the chart as much room as they need.
function fitTitle(layout, chart) {
  if (!layout.meta?.fitTitle) return
  const { title } = layout
  const family = layout.template.layout.font.family
  const titleLines = breakLines(title.text, `bold ${layout.template.layout.title.font.size}px ${family}`, chart)
  const subtitleLines = breakLines(title.subtitle.text, `${title.subtitle.font.size}px ${family}`, chart)
  title.text = `<b>${titleLines.join("<br>")}</b>`
  title.subtitle.text = subtitleLines.join("<br>")
  layout.margin.t = 60 + 21 * titleLines.length + 15 * subtitleLines.length
}

function breakLines(text, font, chart) {
  const pen = document.createElement("canvas").getContext("2d")
  pen.font = font
  const lines = [""]
  for (const word of text.replace(/<br>/g, " ").replace(/<[^>]*>/g, "").split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (pen.measureText(longer).width < 0.95 * chart.offsetWidth) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

function isDark(colour) {
  const probe = document.createElement("canvas").getContext("2d")
  probe.fillStyle = colour
  const [red, green, blue] = [1, 3, 5].map(start => parseInt(probe.fillStyle.slice(start, start + 2), 16))
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128
}
