(() => {
  "use strict";

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const keyOf = (row, column, numeric) => {
    const cell = row.cells[column];
    return numeric ? Number(cell.dataset.value) : cell.textContent.trim();
  };

  const sortRows = (table, column, numeric, direction) => {
    const body = table.tBodies[0];
    const keyed = Array.from(body.rows, (row) => [keyOf(row, column, numeric), row]);
    const order = numeric ? (a, b) => a[0] - b[0] : (a, b) => collator.compare(a[0], b[0]);
    keyed.sort((a, b) => direction * order(a, b));
    // rows are moved while nothing has to be laid out, one by one: append(...rows) takes several times as long
    const place = body.nextSibling;
    body.remove();
    for (const pair of keyed) body.appendChild(pair[1]);
    table.insertBefore(body, place);
  };

  // a header becomes a button only here: without script there is nothing that does not work
  const makeSortable = (table) => {
    const headers = Array.from(table.tHead.rows[0].cells);
    headers.forEach((header, column) => {
      const kind = header.dataset.kind;
      if (kind === "none") return;
      const numeric = kind === "number";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const before = header.getAttribute("aria-sort");
        const ascending = before ? before === "descending" : !numeric;
        headers.forEach((other) => other.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sortRows(table, column, numeric, ascending ? 1 : -1);
      });
    });
  };

  const makeFilter = (form, table) => {
    const rows = Array.from(table.tBodies[0].rows);
    const boxes = Array.from(form.querySelectorAll("input[name=severity]"));
    const { text, scanner, fixable, unsuppressed } = form.elements;
    const folded = document.getElementById("filters");
    const names = Array.from(scanner.options, (option) => option.textContent);
    const shown = document.getElementById("shown");
    let texts = null;

    const textOf = (index) => {
      texts ??= rows.map((row) => row.textContent.toLowerCase());
      return texts[index];
    };

    const apply = () => {
      const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, index) => {
        const fits =
          severities.has(row.cells[0].dataset.value) &&
          (!scanner.value || row.dataset.by.split(" ").includes(scanner.value)) &&
          (!fixable.checked || "fix" in row.dataset) &&
          !(unsuppressed?.checked && row.classList.contains("off")) &&
          words.every((word) => textOf(index).includes(word));
        if (row.hidden === fits) row.hidden = !fits;
        count += fits;
      });
      const hidden = rows.length - count;
      shown.textContent = hidden ? `${count} shown, ${hidden} hidden by the filter` : `all ${count} shown`;
    };

    // the filter is in the address, behind the #: pages that are opened as files have no query of their own
    const write = () => {
      const state = new URLSearchParams();
      const checked = boxes.filter((box) => box.checked).map((box) => box.value);
      if (text.value) state.set("text", text.value);
      if (checked.length < boxes.length) state.set("severity", checked.join("."));
      if (scanner.value) state.set("by", names[scanner.selectedIndex]);
      if (fixable.checked) state.set("fix", "1");
      if (unsuppressed?.checked) state.set("unsuppressed", "1");
      const hash = state.toString();
      if (hash || location.hash.includes("=")) history.replaceState(null, "", `#${hash}`);
    };

    const read = () => {
      const hash = location.hash.slice(1);
      if (!hash.includes("=")) return;
      const state = new URLSearchParams(hash);
      text.value = state.get("text") ?? "";
      const wanted = state.has("severity") ? new Set(state.get("severity").split(".")) : null;
      for (const box of boxes) box.checked = wanted ? wanted.has(box.value) : true;
      scanner.selectedIndex = Math.max(0, names.indexOf(state.get("by") ?? names[0]));
      fixable.checked = state.has("fix");
      if (unsuppressed) unsuppressed.checked = state.has("unsuppressed");
    };

    const show = () => {
      const row = location.hash.startsWith("#v-") ? document.getElementById(location.hash.slice(1)) : null;
      if (!row) return;
      if (row.hidden) {
        form.reset();
        apply();
      }
      row.querySelector("details").open = true;
      row.scrollIntoView();
    };

    let waiting = 0;
    const later = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        apply();
        write();
      }, 60);
    };
    addEventListener("hashchange", () => {
      read();
      apply();
      show();
    });
    form.addEventListener("input", later);
    form.addEventListener("reset", later);
    form.addEventListener("submit", (event) => event.preventDefault());
    folded.hidden = false;
    const narrow = matchMedia("(max-width: 48rem)");
    folded.open = !narrow.matches;
    narrow.addEventListener("change", () => {
      folded.open = !narrow.matches;
    });
    read();
    apply();
    show();
  };

  // what is folded is printed
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll(":is(.fold, .listed):not([open])"));
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });

  document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
  const form = document.getElementById("filter");
  if (form) makeFilter(form, document.getElementById("rows"));
})();
