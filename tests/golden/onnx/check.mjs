// Runs exported ONNX files in onnxruntime against PyTorch's logits, and says which files it saw.
//
//   SG_KEEP_ONNX=DIR build/tests/conformance/test_onnx        writes DIR/MODEL.VARIANT.onnx
//   NODE_PATH=.../node_modules node tests/golden/onnx/check.mjs DIR >tests/golden/onnx/files.txt
//
// Weights and images are those of tests/golden/parity: the logits must be within 1e-4 of the ones in
// double there. A line for each file: its name, its SHA-256, the largest difference. The test of the
// same name holds the exporter to these very files, so that no machine that runs it needs onnxruntime.
// Made with onnxruntime-node 1.30.0. SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ort = createRequire(join(process.env.NODE_PATH ?? '/', 'x'))('onnxruntime-node')
const here = dirname(fileURLToPath(import.meta.url))
const parity = JSON.parse(readFileSync(join(here, '../parity/parity.json')))

function uniform(name, count) {
  let s = 2166136261
  for (const byte of Buffer.from(name)) s = Math.imul(s ^ byte, 16777619) >>> 0
  const out = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    let x = (s + Math.imul(2654435761, i)) >>> 0
    for (const [shift, factor] of [[16, 0x85ebca6b], [13, 0xc2b2ae35], [16, 1]])
      x = Math.imul(x ^ (x >>> shift), factor) >>> 0
    out[i] = x / 2147483648 - 1
  }
  return out
}

// What transform_input makes the image out of.
function before(image, batch, size) {
  const mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225]
  return image.map((v, i) => {
    const c = Math.floor(i / (size * size)) % 3
    return (v * 0.5 + 0.5 - mean[c]) / std[c]
  })
}

const top = row => row.indexOf(Math.max(...row))
const folder = process.argv[2]
for (const file of readdirSync(folder).sort()) {
  const { batch, size, input, logits } = parity.models.find(m => m.name === file.split('.')[0]).fixed
  const bytes = readFileSync(join(folder, file))
  const session = await ort.InferenceSession.create(join(folder, file))
  let pixels = uniform(input, batch * 3 * size * size)
  if (file.includes('.transformed.')) pixels = before(pixels, batch, size)
  const image = new ort.Tensor('float32', pixels, [batch, 3, size, size])
  const answer = await session.run({ image })
  const ours = [...answer.logits.data]
  const worst = Math.max(...ours.map((v, i) => Math.abs(v - logits[0][i])))
  if (!(worst <= 1e-4)) throw new Error(`${file}: a logit is off by ${worst}`)
  for (let i = 0; i < batch; i++) {
    const row = ours.slice(3 * i, 3 * i + 3), p = [...answer.probabilities.data].slice(3 * i, 3 * i + 3)
    if (top(row) !== top(logits[0].slice(3 * i, 3 * i + 3))) throw new Error(`${file}: another top class`)
    const e = row.map(v => Math.exp(v / 2)), sum = e.reduce((a, b) => a + b)
    if (e.some((v, c) => Math.abs(v / sum - p[c]) > 1e-6)) throw new Error(`${file}: probabilities`)
  }
  console.log(file, createHash('sha256').update(bytes).digest('hex'), worst.toExponential(1))
  await session.release()
}
