/** Asks the server what a statement takes, without running it: something that `pg` can submit in a pipeline. */

type Settle = (error: unknown, typeIds: readonly number[]) => void;

interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { text: string; name: string }): void;
  describe(message: { type: "S"; name: string }): void;
  sync(): void;
  on(event: "parameterDescription", listener: (message: { dataTypeIDs: readonly number[] }) => void): void;
}

/** What we use of the driver's `Query`; in a pipeline `pg` submits nothing else. */
type QueryClass = new (text: string) => { submit(connection: object): unknown };

export type DescribeQueryClass = new (text: string, settle: Settle) => object;

/** Settles once, with the numbers of the parameters' types or with the driver's error. */
export function describeQueryClass(Query: QueryClass): DescribeQueryClass {
  // Answers come in the order of the questions; the driver tells nobody whose this one is.
  const waiting: { typeIds: readonly number[] }[] = [];
  let listens = false;
  return class DescribeQuery extends Query {
    readonly callback: () => void = () => {};
    readonly #text: string;
    readonly #settle: Settle;
    readonly #answer: { typeIds: readonly number[] } = { typeIds: [] };

    constructor(text: string, settle: Settle) {
      super(text);
      this.#text = text;
      this.#settle = settle;
    }

    override submit(connection: object): null {
      const wire = connection as Wire;
      if (!listens)
        wire.on("parameterDescription", ({ dataTypeIDs }) => {
          const [first] = waiting;
          if (first !== undefined) first.typeIds = dataTypeIDs;
        });
      listens = true;
      waiting.push(this.#answer);
      wire.stream.cork();
      wire.parse({ text: this.#text, name: "" });
      wire.describe({ type: "S", name: "" });
      wire.sync();
      wire.stream.uncork();
      return null;
    }

    handleRowDescription(): void {}

    handleError(error: unknown): void {
      this.#leave();
      this.#settle(error, []);
    }

    handleReadyForQuery(): void {
      this.#leave();
      this.#settle(null, this.#answer.typeIds);
    }

    #leave(): void {
      const at = waiting.indexOf(this.#answer);
      if (at !== -1) waiting.splice(at, 1);
    }
  };
}
