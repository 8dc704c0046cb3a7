'use strict';

// peek calls note with the object each time somebody reads a function from it,
// mostly to call it. The accessor has returned before the call is made, so
// unlike a wrapper it is on nobody's stack trace.
module.exports = function peek(object, name, note) {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  if (typeof descriptor?.value !== 'function') return;
  Object.defineProperty(object, name, {
    configurable: true,
    enumerable: descriptor.enumerable,
    get() {
      try {
        note(this);
      } catch {}
      return descriptor.value;
    },
    set(value) {
      Object.defineProperty(this, name, { ...descriptor, value });
    },
  });
};

//# sourceURL=oom143:peek.cjs
