/** The cache of answers: when to ask again, and what a 401 means. */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { connectionLostAt, watchConnection } from './connection.ts'
import { ApiFailure, isUnreachable } from './failure.ts'

/** Creates the query client; a 401 forgets the person, which brings the login page. */
export function createQueries(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiFailure && error.status === 401) queries.setQueryData(['me'], null)
  }
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        networkMode: 'always',
        staleTime: 1_000,
        // Only silence is worth asking again at once; an answer, even a bad one, is an answer.
        retry: (count, error) => isUnreachable(error) && count < 1,
        retryDelay: 1_000,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
  let lost = connectionLostAt()
  watchConnection(() => {
    const before = lost
    lost = connectionLostAt()
    if (before !== null && lost === null) void queries.invalidateQueries()
  })
  return queries
}
