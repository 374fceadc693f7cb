/** A service of the reference implementation of gRPC, and a client for it: without schemas, a message is its bytes. */
import grpc from '@grpc/grpc-js'

const bytes = (value: Buffer): Buffer => value
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
})

const ECHO = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  repeat: method('Repeat', false, true),
  chat: method('Chat', true, true),
} satisfies grpc.ServiceDefinition

export interface Heard {
  readonly metadata: grpc.Metadata
  readonly deadline: grpc.Deadline
  cancelled: boolean
}

export class GrpcService {
  readonly server = new grpc.Server()
  readonly heard: Heard[] = []
  port = 0

  static async start(): Promise<GrpcService> {
    const service = new GrpcService()
    service.server.addService(ECHO, {
      unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        service.hear(call)
        const said = call.request.toString()
        if (said === 'silence') return
        if (said === 'refuse') {
          const metadata = new grpc.Metadata()
          metadata.set('x-why', 'asked for')
          return done({ code: grpc.status.FAILED_PRECONDITION, details: 'no: äöü', metadata })
        }
        const head = new grpc.Metadata()
        head.set('x-head', '1')
        call.sendMetadata(head)
        const trailer = new grpc.Metadata()
        trailer.set('x-trailer', '2')
        done(null, call.request, trailer)
      },
      collect: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        const all: Buffer[] = []
        call.on('data', (one: Buffer) => all.push(one))
        call.on('end', () => done(null, Buffer.concat(all)))
      },
      repeat: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        service.hear(call)
        for (let i = 0; i < 5; i++) call.write(Buffer.concat([call.request, Buffer.from(String(i))]))
        if (call.request.toString() !== 'open') call.end()
      },
      chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (one: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), one])))
        call.on('end', () => call.end())
      },
    })
    service.port = await new Promise<number>((resolve, reject) => {
      service.server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      )
    })
    return service
  }

  private hear(call: grpc.ServerUnaryCall<Buffer, Buffer> | grpc.ServerWritableStream<Buffer, Buffer>): void {
    const heard: Heard = { metadata: call.metadata, deadline: call.getDeadline(), cancelled: false }
    this.heard.push(heard)
    const told: NodeJS.EventEmitter = call
    told.on('cancelled', () => (heard.cancelled = true))
  }

  close(): void {
    this.server.forceShutdown()
  }
}

export interface UnaryResult {
  readonly code: grpc.status
  readonly details: string
  readonly body: string
  readonly head: grpc.MetadataValue | undefined
  readonly trailers: grpc.Metadata
}

export class GrpcClient {
  readonly client: grpc.Client

  constructor(port: number) {
    this.client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure())
  }

  /** Calls `path` and resolves whatever comes of it. */
  unary(
    path: string,
    message: string | Buffer,
    options: grpc.CallOptions = {},
    metadata = new grpc.Metadata(),
  ): Promise<UnaryResult> {
    return new Promise((resolve) => {
      let result: { code: grpc.status; details: string; body: string } | null = null
      let head: grpc.MetadataValue | undefined
      const call = this.client.makeUnaryRequest(
        path,
        bytes,
        bytes,
        Buffer.from(message),
        metadata,
        options,
        (error, body) => {
          result = { code: error?.code ?? grpc.status.OK, details: error?.details ?? '', body: body?.toString() ?? '' }
        },
      )
      call.on('metadata', (more: grpc.Metadata) => (head = more.get('x-head')[0]))
      call.on('status', ({ metadata: trailers }: grpc.StatusObject) =>
        setImmediate(() => resolve({ ...result!, head, trailers })),
      )
    })
  }

  collect(messages: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = this.client.makeClientStreamRequest('/test.Echo/Collect', bytes, bytes, (error, body) =>
        error === null ? resolve(body?.toString() ?? '') : reject(error),
      )
      for (const message of messages) call.write(Buffer.from(message))
      call.end()
    })
  }

  repeat(message: string): grpc.ClientReadableStream<Buffer> {
    return this.client.makeServerStreamRequest('/test.Echo/Repeat', bytes, bytes, Buffer.from(message))
  }

  chat(): grpc.ClientDuplexStream<Buffer, Buffer> {
    return this.client.makeBidiStreamRequest('/test.Echo/Chat', bytes, bytes)
  }
}
