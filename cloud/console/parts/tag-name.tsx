/** A tag as people call it: its name and its unit, its full id behind them. */
import { useQuery } from '@tanstack/react-query'
import type { AssetDetail } from '../../../protocol/api.ts'
import { getAsset } from '../api/client.ts'

type Tag = AssetDetail['tags'][number]

/** Names and units hardly ever change; the asset's own page asks more often. */
const staleMs = 300_000

/** Finds a tag of the asset by its id or by its name. */
export function useTags(asset: string): (idOrName: string) => Tag | undefined {
  const { data } = useQuery({
    queryKey: ['fleet', 'asset', asset],
    queryFn: () => getAsset(asset),
    staleTime: staleMs,
  })
  return (idOrName) => data?.tags.find(({ id, name }) => id === idOrName || name === idOrName)
}

interface TagNameProps {
  asset: string
  /** Its id, or its name where the model knows no id. */
  tag: string
  /** Shown while the tag is not known. */
  name?: string
}

export function TagName({ asset, tag, name }: TagNameProps) {
  const found = useTags(asset)(tag)
  return (
    <span title={found?.id ?? tag}>
      <span className="tag-name">{found?.name ?? name ?? tag}</span>
      {found?.unit && <span className="unit"> [{found.unit}]</span>}
    </span>
  )
}
