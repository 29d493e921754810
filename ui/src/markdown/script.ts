const KANA = /[\u3041-\u30ff]/g;
const CJK = /[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/;

/** How much of a text's beginning tells its language, in UTF-16 units. */
const TELLING = 400;

/** Whether a text is Japanese rather than one that only quotes some. */
export const looksJapanese = (text: string): boolean => (text.slice(0, TELLING).match(KANA)?.length ?? 0) > Math.min(text.length, TELLING) / 12;

/** Whether a text has letters that have no italics. */
export const upright = (text: string): boolean => CJK.test(text);
