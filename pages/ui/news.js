// The page's line to the server: says which runs the page shows, and hands what comes back to whoever listens in this page.
// data: address, runs, drawn (epochs of each run that the page has), page (changes when only a new drawing can show it).

export default function ({ data, setTriggerValue, parentElement }) {
  const line = (parentElement.line ??= newLine())
  line.data = data
  line.redraw = state => setTriggerValue("redraw", state)
  line.say()
  // Streamlit also calls this for an element that it goes on to use, so look whether it is gone.
  return () => setTimeout(() => parentElement.isConnected || parentElement.host?.isConnected || line.close())
}

function newLine() {
  let socket = null
  let pause = 1
  let timer = null
  const line = {
    say() {
      clearTimeout(timer)
      if (!socket) connect()
      else if (socket.readyState === WebSocket.OPEN) {
        const { runs, drawn } = line.data
        socket.send(JSON.stringify({ runs, drawn }))
        line.asked = null
      }
    },
    close() {
      line.closed = true
      window.removeEventListener("lab-news-missed", line.say)
      socket?.close()
    },
  }

  function connect() {
    const address = new URL(line.data.address, location.href)
    address.protocol = address.protocol.replace("http", "ws")
    socket = new WebSocket(address)
    socket.onopen = () => {
      pause = 1
      line.say()
    }
    socket.onmessage = ({ data }) => hear(JSON.parse(data))
    socket.onclose = () => {
      socket = null
      if (line.closed) return
      timer = setTimeout(line.say, 1000 * pause)
      pause = Math.min(2 * pause, 10)
    }
  }

  function hear(news) {
    if (String(news.runs) !== String(line.data.runs)) return
    window.dispatchEvent(new CustomEvent("lab-news", { detail: news }))
    if (news.page === undefined || news.page === line.data.page || news.page === line.asked) return
    line.asked = news.page
    setTimeout(() => line.asked === news.page && line.redraw(news.page), 1000 * news.after)
  }

  window.addEventListener("lab-news-missed", line.say)
  return line
}
