/** Ours, as one would write it for speed: the echo of `npm start`, by callbacks, every fragment lent where it lies. */
import { echo } from '../../../src/cli/echo.ts';
import { WebSocketModule } from '../../../src/index.ts';
import { httpServer, listen } from './listen.ts';

const server = httpServer();
new WebSocketModule().attach(server, echo);
listen(server);
