// node onnx_predict.mjs MODEL.onnx PREDICTIONS.json - asks onnxruntime about the images of a `predict
// --json` and compares: 1e-4, the same top class. Images: grey PNG of 8 bits and of the model's own size,
// so that nothing is resized. Exit 3 when onnxruntime-node cannot be had (NODE_PATH says where it is).
// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'

let ort
try {
  ort = createRequire(join(process.env.NODE_PATH ?? '/usr/share/nodejs', 'x'))('onnxruntime-node')
} catch {
  process.exit(3)
}

// The metadata_props (field 14) of a ModelProto; everything else is skipped.
function metadataOf(bytes) {
  let at = 0
  const varint = () => {
    let value = 0n, shift = 0n
    for (;;) {
      const byte = BigInt(bytes[at++])
      value |= (byte & 127n) << shift
      if (byte < 128n) return Number(value)
      shift += 7n
    }
  }
  const found = {}
  while (at < bytes.length) {
    const key = varint(), size = varint()
    if (key === 8) continue // ir_version: the number was read
    const end = at + size
    if (key === (14 << 3 | 2)) {
      const pair = []
      while (at < end) {
        varint()
        const n = varint()
        pair.push(bytes.subarray(at, at + n).toString())
        at += n
      }
      found[pair[0]] = pair[1]
    }
    at = end
  }
  return found
}

function readGrey(path) {
  const file = readFileSync(path)
  const width = file.readUInt32BE(16), height = file.readUInt32BE(20)
  const parts = []
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at))
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT')
      parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)))
  const raw = inflateSync(Buffer.concat(parts)), pixels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    const kind = raw[y * (width + 1)]
    for (let x = 0; x < width; x++) {
      const left = x ? pixels[y * width + x - 1] : 0, up = y ? pixels[(y - 1) * width + x] : 0
      const corner = x && y ? pixels[(y - 1) * width + x - 1] : 0
      const p = left + up - corner
      const [a, b, c] = [left, up, corner].map(v => Math.abs(p - v))
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner
      const guess = [0, left, up, (left + up) >> 1, paeth][kind]
      pixels[y * width + x] = raw[y * (width + 1) + 1 + x] + guess
    }
  }
  return { width, height, pixels }
}

const [modelPath, predictionsPath] = process.argv.slice(2)
const meta = metadataOf(readFileSync(modelPath))
const mean = meta.mean.split(',').map(Number), std = meta.std.split(',').map(Number)
const classes = JSON.parse(meta.classes), size = Number(meta.size)
const session = await ort.InferenceSession.create(modelPath)
const { predictions } = JSON.parse(readFileSync(predictionsPath))
let worst = 0
for (const { image, probabilities, looks_most_like } of predictions) {
  const { width, height, pixels } = readGrey(image)
  if (width !== size || height !== size) throw new Error(`${image} is not ${size} x ${size}`)
  const input = new Float32Array(mean.length * size * size)
  for (let c = 0; c < mean.length; c++)
    for (let i = 0; i < size * size; i++) input[c * size * size + i] = (pixels[i] / 255 - mean[c]) / std[c]
  const tensor = new ort.Tensor('float32', input, [1, mean.length, size, size])
  const p = [...(await session.run({ image: tensor })).probabilities.data]
  for (let c = 0; c < p.length; c++) worst = Math.max(worst, Math.abs(p[c] - probabilities[classes[c]]))
  if (classes[p.indexOf(Math.max(...p))] !== looks_most_like) throw new Error(`${image}: another top class`)
}
if (!predictions.length || !(worst <= 1e-4)) throw new Error(`probabilities are off by ${worst}`)
console.log(`${predictions.length} images, off by at most ${worst.toExponential(1)}`)
