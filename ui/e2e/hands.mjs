// Two ways to work with a page: by pointer, and by keyboard alone. A story that can be told with both works with both.

/** Presses and writes as with a mouse or a finger. */
export function pointer() {
  return {
    press: (target) => target.click(),
    choose: (target) => target.click(),
    async pick(field, option) {
      await field.click();
      await option.click();
    },
    write: (target, text) => target.fill(text),
  };
}

/** Nothing but keys: what Tab (in a menu: the arrow) does not come to within 150 steps cannot be reached, and fails. */
export function keyboard(page) {
  const reach = async (target, key = 'Tab') => {
    await target.waitFor();
    const isThere = () => target.evaluate((element) => element === document.activeElement);
    for (let steps = 0; !(await isThere()); steps += 1) {
      if (steps === 150) throw new Error(`not to be reached by ${key}: ${target}`);
      await page.keyboard.press(key);
    }
    const isSeen = await target.evaluate((element) => element.matches(':focus-visible'));
    if (!isSeen) throw new Error(`one does not see that it has the focus: ${target}`);
  };
  return {
    async press(target) {
      await reach(target);
      await page.keyboard.press((await target.getAttribute('type')) === 'checkbox' ? 'Space' : 'Enter');
    },
    /** An item of a menu that is open. */
    async choose(target) {
      await reach(target, 'ArrowDown');
      await page.keyboard.press('Enter');
    },
    /** An option of a list that `field` opens; the focus stays in the field, which names the option that it is on. */
    async pick(field, option) {
      await reach(field);
      await page.keyboard.press('ArrowDown');
      await option.waitFor();
      const id = await option.getAttribute('id');
      for (let steps = 0; (await field.getAttribute('aria-activedescendant')) !== id; steps += 1) {
        if (steps === 50) throw new Error(`not to be reached by arrows: ${option}`);
        await page.keyboard.press('ArrowDown');
      }
      await page.keyboard.press('Enter');
    },
    async write(target, text) {
      await reach(target);
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.insertText(text);
    },
  };
}
