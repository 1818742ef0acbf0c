// Shows data.html; scrolled parts stay where a reader scrolled them to, and so does the focus on button.enlarge. That
// button shows the drawing of the panel in the whole window, from where it can be saved as the file it names.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  root.style.minHeight = `${data.minHeight}px`
  if (root.shown === data.html) return
  root.shown = data.html
  const scrolled = [...root.querySelectorAll(".scroll")].map(part => part.scrollLeft)
  const focused = root.querySelector(".enlarge:focus")
  root.innerHTML = data.html
  root.querySelectorAll(".scroll").forEach((part, index) => (part.scrollLeft = scrolled[index] ?? 0))
  const button = root.querySelector(".enlarge")
  if (!button) return
  root.dialog ??= newDialog(root)
  button.onclick = () => {
    fill(root)
    root.dialog.showModal()
  }
  if (root.dialog.open) fill(root)
  else if (focused) button.focus()
}

function newDialog(root) {
  const dialog = document.createElement("dialog")
  dialog.className = "panel"
  dialog.innerHTML =
    '<div role="img"></div><form method="dialog"><a>Save as SVG</a><button autofocus>Close</button></form>'
  dialog.onclose = () => root.querySelector(".enlarge").focus()
  root.after(dialog)
  return dialog
}

function fill(root) {
  const drawing = root.querySelector(".scroll > svg")
  const place = root.dialog.querySelector("div")
  const link = root.dialog.querySelector("a")
  const { className, ariaLabel } = drawing.parentElement
  Object.assign(place, { className, ariaLabel })
  root.dialog.ariaLabel = ariaLabel
  place.replaceChildren(drawing.cloneNode(true))
  link.download = root.querySelector(".enlarge").dataset.file
  link.href = `data:image/svg+xml,${encodeURIComponent(onPaper(drawing.outerHTML))}`
}

// Programs that draw on paper know no variables of a page: black on white.
function onPaper(svg) {
  return svg.replaceAll(/var\([^)]*\)/g, "#ffffff").replaceAll("currentColor", "#000000")
}
