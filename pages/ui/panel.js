// Shows data.html; scrolled parts stay where a reader scrolled them to. News of the runs in data.live replace what is inside
// the elements marked data-live.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  root.style.minHeight = `${data.minHeight}px`
  root.live = String(data.live)
  if (!root.listens) {
    root.listens = true
    window.addEventListener("lab-news", hear)
  }
  if (root.shown === data.html) return
  root.shown = data.html
  keepingScroll(root, () => (root.innerHTML = data.html))

  function hear({ detail }) {
    if (!root.isConnected) return window.removeEventListener("lab-news", hear)
    if (!root.live || String(detail.runs) !== root.live) return
    for (const place of root.querySelectorAll("[data-live]")) {
      const html = detail[place.dataset.live]
      if (html === undefined) continue
      root.shown = undefined // the next drawing of the page counts, also when it is what was there before
      keepingScroll(root, () => (place.innerHTML = html))
    }
  }
}

function keepingScroll(root, change) {
  const scrolled = [...root.querySelectorAll(".scroll")].map(part => part.scrollLeft)
  change()
  root.querySelectorAll(".scroll").forEach((part, index) => (part.scrollLeft = scrolled[index] ?? 0))
}
