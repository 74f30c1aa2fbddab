/** Faults of hosts and of their clocks. */
import { type Fault, onSchedule } from './fault.js';

/** A host takes no step for a while, as in a long collection of garbage or a migration, and then goes on. */
export const pause: Fault = {
  share: 1 / 2,
  begin: (world) => ({
    heal: onSchedule(world, { wait: { minMs: 30, maxMs: 600 }, spell: { minMs: 20, maxMs: 1_000 } }, () => {
      const host = world.random.pick(world.hosts);
      world.control.pause(host);
      return () => {
        if (world.control.resume(host)) world.fired();
      };
    }),
  }),
};

/** Simulated time by which a crash has happened, for a fault at full strength. */
const crashMsMax = 600;

/** Some hosts, never as many as half of them, stop for good. */
export const crash: Fault = {
  share: 1 / 3,
  begin: ({ hosts, random, strength, time, control, fired }) => {
    const left = [...hosts];
    let healed = false;
    const minority = Math.floor((hosts.length - 1) / 2);
    const count = minority === 0 ? 0 : random.int(1, minority);
    for (let i = 0; i < count; i++) {
      const [host] = left.splice(random.int(0, left.length - 1), 1);
      time.after(random.between(0, crashMsMax) / strength, () => {
        if (host === undefined || healed) return;
        control.crash(host);
        fired();
      });
    }
    return {
      heal: () => {
        healed = true;
      },
    };
  },
};

/** A host's clock runs at another rate for a while, up to twice too fast or too slow. */
export const skew: Fault = {
  share: 1 / 2,
  begin: (world) => ({
    heal: onSchedule(world, { wait: { minMs: 0, maxMs: 400 }, spell: { minMs: 100, maxMs: 2_000 } }, () => {
      const host = world.random.pick(world.hosts);
      const factor = 1 + world.strength * world.random.next();
      world.control.setClockRate(host, world.random.chance(0.5) ? factor : 1 / factor);
      world.fired();
      return () => world.control.setClockRate(host, 1);
    }),
  }),
};

const jumpMsMax = 3_000;

/** A host's clock moves forward at once, so that all of its timers are due. */
export const jump: Fault = {
  share: 1 / 2,
  begin: (world) => ({
    heal: onSchedule(world, { wait: { minMs: 50, maxMs: 1_000 }, spell: { minMs: 0, maxMs: 1 } }, () => {
      world.control.jumpClock(world.random.pick(world.hosts), world.random.between(1, world.strength * jumpMsMax));
      world.fired();
      return () => undefined;
    }),
  }),
};
