/** Runs a task when what the program does now, promises included, is done: `setImmediate` in Node, a message to itself in a browser. */

export function afterTurnScheduler(): (task: () => void) => void {
  if (typeof setImmediate === 'function') return (task) => void setImmediate(task);
  // not a timer: browsers let nested ones wait 4 ms
  const { port1, port2 } = new MessageChannel();
  let tasks: (() => void)[] = [];
  port1.addEventListener('message', () => {
    const due = tasks;
    tasks = [];
    for (const task of due) task();
  });
  port1.start();
  return (task) => {
    if (tasks.push(task) === 1) port2.postMessage(undefined);
  };
}
