/** What the web HMI's listener says by itself: short pages in English and Japanese, for people in front of a frame. */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface Saying {
  status: number
  en: string
  ja: string
}

export const sayings = {
  'bad-request': {
    status: 400,
    en: 'This address cannot be asked for.',
    ja: 'このアドレスは要求できません。',
  },
  'bad-ticket': {
    status: 403,
    en: 'This link has been used or is too old. Open the session again from the console.',
    ja: 'このリンクは使用済みか期限切れです。コンソールからセッションを開き直してください。',
  },
  'bad-answer': {
    status: 502,
    en: 'The machine answered something that is not HTTP.',
    ja: '機器の応答がHTTPとして読めません。',
  },
  ended: {
    status: 410,
    en: 'This session has ended.',
    ja: 'このセッションは終了しました。',
  },
  'foreign-origin': {
    status: 403,
    en: 'A page of another origin may not use this session.',
    ja: '別のオリジンのページはこのセッションを使えません。',
  },
  'no-session': {
    status: 403,
    en: 'No session is open here for this browser. Open it from the console.',
    ja: 'このブラウザーで開かれたセッションがありません。コンソールから開いてください。',
  },
  'not-recorded': {
    status: 503,
    en: 'The recording cannot be written, so the session ends here.',
    ja: '記録を書き込めないため、セッションを終了します。',
  },
  paused: {
    status: 423,
    en: 'This session is paused.',
    ja: 'このセッションは一時停止中です。',
  },
  refused: {
    status: 403,
    en: 'The gateway at the site refused the connection.',
    ja: '現場のゲートウェイが接続を拒否しました。',
  },
  'service-worker': {
    status: 403,
    en: 'Service workers are not allowed in a session: they would outlive it.',
    ja: 'セッション内ではサービスワーカーを使えません。',
  },
  'too-late': {
    status: 504,
    en: 'The machine did not answer in time.',
    ja: '機器が時間内に応答しませんでした。',
  },
  unreachable: {
    status: 502,
    en: 'The machine cannot be reached through the gateway.',
    ja: 'ゲートウェイ経由で機器に接続できません。',
  },
  'view-only': {
    status: 403,
    en: 'This session is for viewing only.',
    ja: 'このセッションは閲覧専用です。',
  },
} as const satisfies Record<string, Saying>

export type SayingCode = keyof typeof sayings

/** Answers in words; nothing when an answer has already begun: then the connection is cut. */
export function say(response: ServerResponse, code: SayingCode, frameAncestors: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  response.writeHead(sayings[code].status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; ${frameAncestors}`,
    'x-content-type-options': 'nosniff',
    // The rest of a refused upload is not read.
    connection: 'close',
  })
  response.end(formatPage(code))
}

/** The same on a connection that asked for an upgrade. */
export function sayRaw(socket: Duplex, code: SayingCode): void {
  const body = formatPage(code)
  socket.end(
    `HTTP/1.1 ${sayings[code].status} Refused\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function formatPage(code: SayingCode): string {
  const { en, ja } = sayings[code]
  return `<!doctype html><meta charset="utf-8"><title>${en}</title><p>${en}</p><p lang="ja">${ja}</p>\n`
}
