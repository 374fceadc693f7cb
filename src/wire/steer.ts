/**
 * Tells the system which of the sockets that share a port get its new connections (Linux: SO_ATTACH_REUSEPORT_CBPF, socket(7)). A
 * listening socket that is closed resets the connections that wait in its queue and those whose handshake is under way; so it must
 * first get no new ones. Run as a thread of its own, because the only way to that system call is Node's experimental interface to
 * foreign functions, whose warning is nobody's business.
 */
import { parentPort, workerData } from 'node:worker_threads'

export interface Steering {
  /** A listening socket that shares the port. */
  readonly fd: number
  /**
   * Sockets of a port are numbered in the order in which they began to listen. New connections go to `count` of them from `first`
   * on, at random; to any of them when there are none such. Null: to any of them again.
   */
  readonly to: { readonly first: number; readonly count: number } | null
}

/** asm-generic/socket.h: the same on every machine that Node has builds for. */
const SOL_SOCKET = 1
const SO_ATTACH_REUSEPORT_CBPF = 51
const SO_DETACH_REUSEPORT_BPF = 68

/** linux/bpf_common.h, linux/filter.h. */
const LOAD_WORD = 0x20
const RANDOM = 0xfffff000 + 56
const MODULO = 0x94
const ADD = 0x04
const RETURN = 0x16

/** False where the system or this Node has no such thing. */
export function steer(steerings: readonly Steering[]): boolean {
  const ffi = process.platform === 'linux' ? process.getBuiltinModule('node:ffi') : undefined
  if (ffi === undefined) return false
  using libc = ffi.dlopen(null, {
    setsockopt: { return: 'int32', arguments: ['int32', 'int32', 'int32', 'pointer', 'uint32'] },
  })
  const { setsockopt } = libc.functions
  return steerings.every(({ fd, to }) => {
    const program = to === null ? Buffer.alloc(0) : assemble(to.first, to.count)
    // struct sock_fprog { unsigned short len; struct sock_filter *filter; }, the pointer aligned to eight bytes.
    const option = Buffer.alloc(16)
    option.writeUInt16LE(program.length / 8, 0)
    if (to !== null) option.writeBigUInt64LE(ffi.getRawPointer(program), 8)
    const name = to === null ? SO_DETACH_REUSEPORT_BPF : SO_ATTACH_REUSEPORT_CBPF
    return setsockopt(fd, SOL_SOCKET, name, ffi.getRawPointer(option), to === null ? 4 : 16) === 0
  })
}

/** random % count + first. struct sock_filter { u16 code; u8 jt, jf; u32 k; } */
function assemble(first: number, count: number): Buffer {
  const steps = [
    [LOAD_WORD, RANDOM],
    [MODULO, count],
    [ADD, first],
    [RETURN, 0],
  ] as const
  const program = Buffer.alloc(8 * steps.length)
  for (const [i, [code, k]] of steps.entries()) {
    program.writeUInt16LE(code, 8 * i)
    program.writeUInt32LE(k, 8 * i + 4)
  }
  return program
}

if (parentPort !== null) parentPort.postMessage(steer(workerData))
