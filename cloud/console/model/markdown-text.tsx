/** A parsed model card on the page; React writes every run as text. */
import { Table, Text, Title, type TitleOrder } from '@mantine/core'
import { useWords } from '../i18n/language.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import { type Block, parseMarkdown, type Run } from './markdown.ts'

function Runs({ runs }: { runs: readonly Run[] }) {
  return runs.map(({ kind, text }, index) => {
    const key = `${index}`
    if (kind === 'code') return <code key={key}>{text}</code>
    if (kind === 'strong') return <strong key={key}>{text}</strong>
    return <span key={key}>{text}</span>
  })
}

/** A card's own title stands below the page's and the panel's. */
const orders: readonly TitleOrder[] = [3, 3, 4, 5, 6, 6, 6]

function BlockView({ block }: { block: Block }) {
  const { t } = useWords()
  switch (block.kind) {
    case 'heading':
      return (
        <Title order={orders[block.level] ?? 6} size="h6" mt="sm" mb={4}>
          <Runs runs={block.runs} />
        </Title>
      )
    case 'paragraph':
      return (
        <Text size="sm" mb={4}>
          <Runs runs={block.runs} />
        </Text>
      )
    case 'code':
      return <pre className="body">{block.text}</pre>
    case 'list': {
      const List = block.ordered ? 'ol' : 'ul'
      return (
        <List className="bullets">
          {block.items.map((runs, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a card stay in their order
            <li key={index}>
              <Runs runs={runs} />
            </li>
          ))}
        </List>
      )
    }
    case 'table':
      return (
        <WideTable
          label={t('model.card')}
          minWidth={360}
          heads={block.head.map((runs) => runs.map(({ text }) => text).join(''))}
        >
          {block.rows.map((cells, row) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a card stay in their order
            <Table.Tr key={row}>
              {cells.map((runs, cell) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a card stay in their order
                <Table.Td key={cell}>
                  <Runs runs={runs} />
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </WideTable>
      )
  }
}

export function MarkdownText({ text }: { text: string }) {
  return (
    <div className="card-text" lang="en">
      {parseMarkdown(text).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a card stay in their order
        <BlockView key={index} block={block} />
      ))}
    </div>
  )
}
