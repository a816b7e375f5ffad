/** A plain text field for YAML with line numbers, and what is wrong beside its line. */
import { useId, useRef } from 'react'
import type { ConfigProblemView } from '../../../protocol/api-gateway-config.ts'
import { useWords } from '../i18n/language.tsx'

interface YamlEditorProps {
  label: string
  description: string
  value: string
  problems: readonly ConfigProblemView[]
  onChange: (next: string) => void
}

/** Room for a thought at the end of the longest line. */
const SPARE_COLUMNS = 4

export function YamlEditor({ label, description, value, problems, onChange }: YamlEditorProps) {
  const id = useId()
  const field = useRef<HTMLTextAreaElement>(null)
  const frame = useRef<HTMLDivElement>(null)
  const lines = value.split('\n')
  const columns = lines.reduce((longest, line) => Math.max(longest, line.length), 0)
  const wrong = new Map(problems.map((problem) => [problem.line, problem]))
  const showLine = (line: number) => {
    const from = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0)
    field.current?.focus({ preventScroll: true })
    field.current?.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0))
    const share = (line - 1) / lines.length
    // A third of the frame above it, so that it is seen in its place.
    const { scrollHeight = 0, clientHeight = 0 } = frame.current ?? {}
    frame.current?.scrollTo({ top: share * scrollHeight - clientHeight / 3, left: 0 })
  }
  return (
    <div>
      <label className="editor-label" htmlFor={id}>
        {label}
      </label>
      <p className="editor-help" id={`${id}-help`}>
        {description}
      </p>
      <div className="editor" ref={frame}>
        <ol className="editor-lines" aria-hidden="true">
          {lines.map((_, index) => {
            const line = index + 1
            return (
              <li key={line} data-tone={wrong.has(line) ? 'bad' : undefined}>
                {line}
              </li>
            )
          })}
        </ol>
        <textarea
          id={id}
          ref={field}
          className="editor-text"
          value={value}
          rows={lines.length}
          cols={columns + SPARE_COLUMNS}
          wrap="off"
          spellCheck={false}
          autoCapitalize="off"
          autoCorrect="off"
          aria-describedby={`${id}-help ${id}-problems`}
          aria-invalid={problems.length > 0}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
        <ol className="editor-notes" aria-hidden="true">
          {[...wrong.values()].map(({ line, say }) => (
            <li key={line} style={{ top: `calc(${line - 1} * var(--editor-line))` }}>
              ▸ {say}
            </li>
          ))}
        </ol>
      </div>
      <Problems id={`${id}-problems`} problems={problems} showLine={showLine} />
    </div>
  )
}

interface ProblemsProps {
  id: string
  problems: readonly ConfigProblemView[]
  showLine: (line: number) => void
}

/** The same once more in full: a narrow screen does not show what stands far to the right. */
function Problems({ id, problems, showLine }: ProblemsProps) {
  const { t } = useWords()
  return (
    <ul id={id} className="editor-problems">
      {problems.map(({ line, path, say }) => (
        <li key={`${line} ${path} ${say}`}>
          <button type="button" className="editor-go" onClick={() => showLine(line)}>
            {t('config.line', { line })}
          </button>{' '}
          {path && <code>{path}</code>} {say}
        </li>
      ))}
    </ul>
  )
}
