// Shows data.html; the button of a row that is pressed is told as the trigger "row".
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".rows")
  if (root.shown !== data.html) root.innerHTML = root.shown = data.html
  root.onclick = ({ target }) => {
    const button = target.closest("button[data-row]")
    if (button) setTriggerValue("row", button.dataset.row)
  }
}
