// The AI SDK's own client, at the URL of argv: asks, or resumes, and prints what it has put together as one line of JSON.
// With a number as its last argument it goes away once so many characters of the answer have come.
import { DefaultChatTransport, readUIMessageStream } from "ai";

const [, , base, mode, chatId, question, most] = process.argv;
const transport = new DefaultChatTransport({ api: `${base}/api/chat` });
const left = new AbortController();

function ask() {
  const messages = [{ id: "m1", role: "user", parts: [{ type: "text", text: question }] }];
  return transport.sendMessages({ chatId, messages, trigger: "submit-message", abortSignal: left.signal });
}

const textOf = (message) => message.parts.filter((part) => part.type === "text").map((part) => part.text).join("");

async function read(stream) {
  let last = null;
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) {
    last = message;
    if (most && textOf(message).length >= Number(most)) break;
  }
  left.abort();
  return last;
}

const stream = mode === "ask" ? await ask() : await transport.reconnectToStream({ chatId });
const message = stream === null ? null : await read(stream);
console.log(JSON.stringify(message && { id: message.id, text: textOf(message), parts: message.parts.map((part) => part.type), metadata: message.metadata }));
process.exit(0);
