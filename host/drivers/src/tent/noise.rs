//! Noise that is a pure function of seed, series and time, so that nothing depends on who asks when.

/// A number that looks drawn from a normal distribution of mean 0 and deviation 1, within ±6.
///
/// The sum of twelve uniform numbers (Irwin–Hall), each from the finalizer of splitmix64
/// (Steele, Lea, Flood 2014), which scatters any counter over 64 bits.
pub(super) fn gaussian(seed: u64, series: u64, counter: u64) -> f64 {
    let mut state = scatter(seed ^ scatter(series ^ scatter(counter)));
    let mut sum = -6.0;
    for _ in 0..12 {
        state = state.wrapping_add(GOLDEN);
        sum += uniform(scatter(state));
    }
    sum
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

fn scatter(counter: u64) -> u64 {
    let z = counter.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The upper 53 bits as a number in 0…1.
fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_zero_deviation_one() {
        let n = 20_000;
        let drawn: Vec<f64> = (0..n).map(|i| gaussian(7, 3, i)).collect();
        let mean = drawn.iter().sum::<f64>() / n as f64;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }

    #[test]
    fn neighbours_have_nothing_in_common() {
        let n = 20_000;
        let product = |f: &dyn Fn(u64) -> f64| {
            (0..n).map(|i| gaussian(1, 0, i) * f(i)).sum::<f64>() / n as f64
        };
        assert!(product(&|i| gaussian(1, 0, i + 1)).abs() < 0.03);
        assert!(product(&|i| gaussian(1, 1, i)).abs() < 0.03);
        assert!(product(&|i| gaussian(2, 0, i)).abs() < 0.03);
    }
}
