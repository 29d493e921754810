// Answers as models write them, for pictures and tests.

export const english = `## Why the sea is salty

Rivers dissolve **minerals** from rock and carry them to the sea; *water evaporates*, the salt stays. See [the ocean service](https://oceanservice.noaa.gov/facts/whysalty.html) or https://example.org/salt.

1. Rain is slightly **acid**
   - it takes up carbon dioxide
   - it wears down \`rock\`
2. Rivers carry ions
3. The sea keeps them

- [x] Read the summary
- [ ] Check the ~~figures~~ numbers

| Ion | Share | Comes from |
|:----|------:|:----------:|
| Chloride | 55.0 % | volcanic gas |
| Sodium | 30.6 % | feldspar |
| Sulfate | 7.7 % | gypsum, $\\ce{}$ |

> Salt costs $5 a pound, or $9 for two pounds.
>
> > A quote in a quote.

\`\`\`python
# Salinity of a sample
def salinity(sample: Sample, *, unit: str = "g/kg") -> float:
    """Grams of salt in a kilogram."""
    if sample.mass <= 0:
        raise ValueError(f"mass must be positive, not {sample.mass}")
    return 1000 * sample.salt / sample.mass  # a comment that is long enough to make the line scroll inside of its own box and no other
\`\`\`

The conductivity ratio $R_t = \\frac{C(S, t, 0)}{C(35, t, 0)}$ gives

$$
S = \\sum_{i=0}^{5} a_i R_t^{i/2} + \\frac{t - 15}{1 + k(t - 15)} \\sum_{i=0}^{5} b_i R_t^{i/2}
$$

### Notes

Raw <b onclick="alert(1)">markup</b> stays text. ![A map](https://example.org/map.png)

---

#### Smaller heading

Text after it.
`;

export const japanese = `## 海水が塩辛い理由

川が岩石の**ミネラル**を溶かして海へ運びます。水は*蒸発*しますが、塩は残ります。これは**「塩の蓄積」**と呼ばれる現象です。詳しくはhttps://example.org/salt を参照してください。

1. 雨は**わずかに酸性**です
   - 二酸化炭素を取り込む
   - \`岩石\`を削る
2. 川がイオンを運ぶ
3. 海に残る

- [x] 要約を読む
- [ ] 数値を確認する

| イオン | 割合 | 由来 |
|:----|------:|:----------:|
| 塩化物 | 55.0 % | 火山ガス |
| ナトリウム | 30.6 % | 長石 |

> 塩は海の記憶である。

\`\`\`ts
// 塩分濃度を計算する
export function salinity(salt: number, mass: number): number {
  if (mass <= 0) throw new Error("質量は正の数でなければなりません");
  return (1000 * salt) / mass;
}
\`\`\`

塩分は $S = 1000 \\cdot m_s / m$ で求めます。

$$
\\int_0^H \\rho(z)\\, S(z)\\, dz
$$
`;
