/** What `act` returns or throws, as a promise: for what is done at once behind an interface that lets others take their time. */
export function promised<T>(act: () => T): Promise<T> {
  return new Promise(resolve => {
    resolve(act());
  });
}
