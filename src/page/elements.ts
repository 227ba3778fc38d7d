/** Elements by their id, checked to be what the code takes them for, and new ones in one line. */

/** Returns the page's element `id`. Throws where the HTML has none of that kind. */
export function find<T extends Element>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} with the id ${id}`);
  return element;
}

/** Makes an element; `look` is its class. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  look: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (look) element.className = look;
  element.append(...children);
  return element;
}
