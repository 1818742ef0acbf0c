// Shows data.html; scrolled parts stay where a reader scrolled them to.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panel")
  root.style.minHeight = `${data.minHeight}px`
  if (root.shown === data.html) return
  root.shown = data.html
  const scrolled = [...root.querySelectorAll(".scroll")].map(part => part.scrollLeft)
  root.innerHTML = data.html
  root.querySelectorAll(".scroll").forEach((part, index) => (part.scrollLeft = scrolled[index] ?? 0))
}
