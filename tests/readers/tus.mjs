// A server that takes files by tus: that of the protocol's makers. It keeps them in a folder, listens on a port, says so, and
// then says each question that it is asked. Arguments: where the packages lie, the folder, the port (0 takes a free one).

import http from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [packages, directory, port] = process.argv.slice(2)
const load = (name) => import(pathToFileURL(join(packages, 'node_modules', name, 'dist/index.js')).href)
const { Server } = await load('@tus/server')
const { FileStore } = await load('@tus/file-store')
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }) })
const server = http.createServer((request, answer) => {
  const { 'upload-offset': offset, 'content-length': length, authorization } = request.headers
  console.log(JSON.stringify({ method: request.method, url: request.url, offset, length, authorization }))
  tus.handle(request, answer)
})
server.listen(Number(port), '127.0.0.1', () => console.log(server.address().port))
