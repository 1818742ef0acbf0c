// Shows data.html; scrolled parts stay where a reader scrolled them to. A button.enlarge shows the drawing below it in
// the whole window, from where it can be saved as the file that data-file names.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  root.style.minHeight = `${data.minHeight}px`
  if (root.shown === data.html) return
  root.shown = data.html
  const scrolled = [...root.querySelectorAll(".scroll")].map(part => part.scrollLeft)
  root.innerHTML = data.html
  root.querySelectorAll(".scroll").forEach((part, index) => (part.scrollLeft = scrolled[index] ?? 0))
  const button = root.querySelector(".enlarge")
  if (button) button.onclick = () => enlarge(root.nextElementSibling, root.querySelector(".scroll > svg"), button)
}

function enlarge(dialog, drawing, { dataset }) {
  if (!drawing) return // it is still being made
  const place = dialog.querySelector("div")
  place.className = drawing.parentElement.className
  place.replaceChildren(drawing.cloneNode(true))
  const link = dialog.querySelector("a")
  link.download = dataset.file
  link.href = URL.createObjectURL(new Blob([drawing.outerHTML], { type: "image/svg+xml" }))
  dialog.onclose = () => URL.revokeObjectURL(link.href)
  dialog.onclick = ({ target }) => {
    if (target === dialog) dialog.close() // a click beside it
  }
  dialog.showModal()
}
