/** The connection options of an OPC UA server and the address of its tags. */
import { type Static, Type } from 'typebox'

/** Broken or withdrawn by the OPC Foundation; some machines speak nothing else. */
export const deprecatedPolicies = ['Basic128Rsa15', 'Basic256'] as const

export const timestampSources = ['source', 'server', 'gather'] as const

export const optionsSchema = Type.Object(
  {
    endpoint: Type.String({
      pattern: '^opc\\.tcp://[^/\\s]+',
      description: 'The server, e.g. opc.tcp://10.0.0.5:4840.',
    }),
    security: Type.Union(
      [
        Type.Literal('None'),
        Type.Literal('Basic256Sha256'),
        Type.Literal('Aes128_Sha256_RsaOaep'),
        Type.Literal('Aes256_Sha256_RsaPss'),
        Type.Literal('Basic128Rsa15'),
        Type.Literal('Basic256'),
      ],
      {
        default: 'Basic256Sha256',
        description:
          'Security policy, always with SignAndEncrypt; None sends everything in the clear. Basic128Rsa15 and Basic256 are deprecated and need "allowDeprecated".',
      },
    ),
    allowDeprecated: Type.Boolean({
      default: false,
      description: 'Lets "security" be a deprecated policy, for a machine that has no other.',
    }),
    trust: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Files (PEM or DER) with the certificates this server may show, or of the authority that signed it. No other is accepted.',
    }),
    user: Type.Optional(
      Type.Object(
        {
          name: Type.String({ minLength: 1, description: 'User name at the server.' }),
          password: Type.String({ description: 'Its password.' }),
        },
        { additionalProperties: false, description: 'Sign in as; anonymous when left out.' },
      ),
    ),
    userCertificate: Type.Optional(
      Type.Object(
        {
          file: Type.String({ minLength: 1, description: 'Certificate, PEM or DER.' }),
          keyFile: Type.String({ minLength: 1, description: 'Its private key, PEM.' }),
        },
        {
          additionalProperties: false,
          description: 'Sign in by the certificate of a user, instead of "user".',
        },
      ),
    ),
    namespaces: Type.Record(Type.String({ pattern: '^[^/:&]+$' }), Type.String({ minLength: 1 }), {
      default: {},
      description:
        'Short names of namespace URIs for the prefixes of browse paths, e.g. { press: urn:acme:press }.',
    }),
    timeoutMs: Type.Integer({
      minimum: 100,
      maximum: 120_000,
      default: 10_000,
      description: 'For connecting and for each request; after it the connection is made anew.',
    }),
    publishingIntervalMs: Type.Integer({
      minimum: 10,
      maximum: 3_600_000,
      default: 500,
      description: 'How often the server sends the changes of a subscription.',
    }),
    samplingIntervalMs: Type.Integer({
      minimum: 0,
      maximum: 3_600_000,
      default: 250,
      description: 'How often the server looks at a subscribed value; 0: at every change.',
    }),
    queueSize: Type.Integer({
      minimum: 1,
      maximum: 10_000,
      default: 20,
      description:
        'Changes of one value the server keeps between two publications; the oldest goes first.',
    }),
    keepAliveMs: Type.Integer({
      minimum: 100,
      maximum: 3_600_000,
      default: 5000,
      description: 'How often the server says it is alive when nothing changes.',
    }),
    silenceMs: Type.Integer({
      minimum: 300,
      maximum: 3_600_000,
      default: 15_000,
      description:
        'Neither a change nor a sign of life for so long: the subscription is rebuilt, whatever the socket says.',
    }),
    nodeRetryMs: Type.Integer({
      minimum: 100,
      maximum: 3_600_000,
      default: 30_000,
      description: 'How often nodes the server does not know are asked for again.',
    }),
    timestamp: Type.Union(
      timestampSources.map((source) => Type.Literal(source)),
      {
        default: 'source',
        description: 'Time of a sample: of the source, of the server, or of its arrival here.',
      },
    ),
  },
  { additionalProperties: false },
)
export type OpcuaOptions = Static<typeof optionsSchema>
