// A test of a team's retry client against the sandbox, in both contracts: node --test
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { start } from "./sandbox.mjs";

class Refused extends Error {
  constructor(status, code) {
    super(`refused with ${status} ${code}`);
    Object.assign(this, { status, code });
  }
}

/** Stands in for the client that you test. */
class RetryClient {
  patience = 10_000; // in milliseconds

  constructor(sandbox) {
    this.url = `${sandbox.endpoint}/campaigns/${sandbox.campaign}/messages`;
    this.headers = { Authorization: `Bearer ${sandbox.key}` };
  }

  /** Retries a message; returns what the service says of it. */
  async retry(message) {
    for (let wait = 1; wait <= 8; wait *= 2) {
      let response, body;
      try {
        response = await this.#send("POST", `${message}/retry`, this.patience);
        body = await response.json();
      } catch (lost) {
        return this.#settle(message, lost);
      }
      if (response.status === 201) return body;
      if (response.status !== 429) throw new Refused(response.status, body.error?.code);
      await this.pause(Number(response.headers.get("retry-after") ?? wait));
    }
    throw new Refused(429, "too_many_requests");
  }

  /** A retry sends an SMS: whether a lost one was accepted is asked, and it is not sent again. */
  async #settle(message, lost) {
    const found = await (await this.#send("GET", message, 10_000)).json();
    if (found.latestStatus === "failure") throw lost;
    return found;
  }

  #send(method, path, limit) {
    const signal = AbortSignal.timeout(limit);
    return fetch(`${this.url}/${path}`, { method, headers: this.headers, signal });
  }

  pause(seconds) {
    return new Promise((resume) => setTimeout(resume, seconds * 1000));
  }
}

for (const contract of ["before", "after"]) {
  describe(contract, () => {
    let sandbox, client;

    before(async () => {
      // A retried message fails again after that time, and the tests look at it before.
      sandbox = await start("--fail-after", "60");
      client = new RetryClient(sandbox);
    });
    beforeEach(async () => {
      await sandbox.reset();
      await sandbox.contract(contract);
    });
    after(() => sandbox?.stop());

    it("takes an accepted retry", async () => {
      const message = await sandbox.make("failure");
      const response = await client.retry(message);
      assert.equal(response.id, message);
      assert.equal(response.latestStatus, "created");
      assert.equal("creatorId" in response, contract === "after");
    });

    it("says why a retry was refused", async () => {
      await assert.rejects(client.retry(sandbox.message("success")), {
        status: 400,
        code: "message_not_found_or_retry_message_not_in_failure_status",
      });
    });

    for (const fault of ["connection-reset", "no-response"]) {
      it(`does not send twice after a lost response: ${fault}`, async () => {
        const hasty = new RetryClient(sandbox);
        hasty.patience = 1000;
        const message = await sandbox.make("failure");
        await sandbox.faults(fault);
        const accepted = await hasty.retry(message);
        assert.notEqual(accepted.latestStatus, "failure");
        const asked = (await sandbox.requests()).filter((r) => r.path.endsWith(`${message}/retry`));
        assert.equal(asked.length, 1);
      });
    }

    it("goes on after 429", async () => {
      const slow = await start("--rate", "1", "--contract", contract);
      try {
        const pauses = [];
        const patient = new RetryClient(slow);
        patient.pause = (seconds) => {
          pauses.push(seconds);
          return slow.forward(seconds); // instead of waiting, the sandbox's clock moves
        };
        for (let number = 0; number < 5; number++) {
          const response = await patient.retry(await slow.make("failure"));
          assert.equal(response.latestStatus, "created");
        }
        assert.notDeepEqual(pauses, []);
      } finally {
        await slow.stop();
      }
    });
  });
}

describe("the cutover", () => {
  it("passes while the client runs", async () => {
    const sandbox = await start();
    try {
      const client = new RetryClient(sandbox);
      await sandbox.contract("auto"); // the one in force by its clock
      await sandbox.moveTo("2025-02-23T23:59:00+08:00");
      assert.ok(!("creatorId" in (await client.retry(await sandbox.make("failure")))));
      await sandbox.forward(60);
      assert.ok("creatorId" in (await client.retry(await sandbox.make("failure"))));
    } finally {
      await sandbox.stop();
    }
  });
});
