"""On a phone the form lies folded beside the page: a button on top opens it, and a new run closes it again."""

import streamlit as st

_fold = st.components.v2.component(
    "fold",
    html='<button type="button">Settings and Run</button>\n',
    css="""
button {
  display: none;
  width: 100%;
  padding: 0.6rem;
  font: inherit;
  color: white;
  background: var(--st-primary-color);
  border: 0;
  border-radius: var(--st-button-radius);
}
@media (max-width: 640px) {
  button {
    display: block;
  }
}
""",
    js="""
export default function ({ data, parentElement }) {
  const press = selector => document.querySelector(selector)?.click()
  parentElement.querySelector("button").onclick = () => press('[data-testid="stExpandSidebarButton"]')
  if (parentElement.run !== undefined && parentElement.run !== data.run && innerWidth <= 640)
    press('[data-testid="stSidebarCollapseButton"] button')
  parentElement.run = data.run
}
""",
)


def fold(run: str) -> None:
    """Put the button there; run: names what is shown, so that a change of it is noticed."""
    _fold(key="fold", data={"run": run})
